// Package contract pins the names and shapes that programs outside this repository compile against:
// its test is such a program. Adding is free; what stands there is not renamed.
package contract
