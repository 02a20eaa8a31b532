// Package measure times contenders against each other so that what disturbs one
// disturbs all: in one process, in short rounds, each contender once per round, the
// first one of a round another each time.
//
// It gives medians and quartiles, and calls nothing faster that was not so in three
// quarters of the rounds.
package measure
