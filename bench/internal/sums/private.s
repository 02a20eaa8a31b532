// Without an assembly file the compiler wants a body for every function; the ones of
// private.go have theirs in other packages.
