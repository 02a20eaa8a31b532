//go:build unix

package gss

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openOwn opens a file that nobody but this user and root can have written. It does not wait for who may have put a
// pipe there.
func openOwn(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = othersWrite(info, os.Geteuid())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// othersWrite says how somebody other than the user or root may have written a file.
func othersWrite(info fs.FileInfo, user int) error {
	s, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return fmt.Errorf("it is no regular file: %v", mode)
	case mode.Perm()&0o022 != 0:
		return fmt.Errorf("mode %04o: others may write it, and nobody has named it", mode.Perm())
	case ok && s.Uid != 0 && int(s.Uid) != user:
		return fmt.Errorf("it belongs to uid %d, not to this user (uid %d) or root, and nobody has named it", s.Uid, user)
	}
	return nil
}
