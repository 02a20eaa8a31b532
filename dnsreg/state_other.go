//go:build !unix

package dnsreg

import "io/fs"

// unsafeFile returns no rule: file modes do not tell who may write.
func unsafeFile(fs.FileInfo) (rule string) { return "" }

// syncDirectory does nothing: directories can't be synced.
func syncDirectory(string) error { return nil }
