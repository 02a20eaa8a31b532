// Package registrations measures dynamic registration: how many addresses a second get into DNS, what they
// cost in messages and bytes, and how long a change takes.
package registrations
