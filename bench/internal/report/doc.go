// Package report holds what a measurement says, judges it against its goal, and writes
// it as a table for people and as JSON, one object a line, for programs.
package report
