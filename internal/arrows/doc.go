// Package arrows keeps the direction of imports: its test fails, with the reason, when a package
// imports what the design does not let it know. It holds no code of its own.
package arrows
