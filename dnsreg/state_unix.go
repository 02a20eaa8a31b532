//go:build unix

package dnsreg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// unsafeFile returns the rule that a file breaks which others might have written.
func unsafeFile(info fs.FileInfo) (rule string) {
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Sprintf("mode %04o: others may write it, which only its owner may", mode)
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if me := os.Geteuid(); ok && s.Uid != 0 && int(s.Uid) != me {
		return fmt.Sprintf("it belongs to uid %d, who may write it, not to this user (uid %d) or root", s.Uid, me)
	}
	return ""
}

// syncDirectory makes a rename in a directory last.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) { // some file systems know no fsync of directories
		return err
	}
	return nil
}
