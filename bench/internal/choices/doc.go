// Package choices measures the choice of a source address: against a scan of all
// addresses, gVisor's and Linux's own choice, as hosts grow, and what an update costs.
package choices
