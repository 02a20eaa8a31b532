// Package readme keeps README true: its test runs the program that README shows and follows its links.
package readme
