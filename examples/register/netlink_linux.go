//go:build !android

package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	nlmInterrupted = 0x10 // NLM_F_DUMP_INTR (linux/netlink.h): the table changed while it was read
	maxDumps       = 8    // of a table that goes on changing
	maxEvents      = 4096 // that are taken for one
	netlinkBuffer  = 1 << 16
)

// netlink is a socket of rtnetlink, for one goroutine.
type netlink struct {
	*os.File
	seq  uint32 // of the last request
	stop func() bool
}

// openNetlink returns a socket that hears of changes in groups. The end of ctx frees who reads from it.
func openNetlink(ctx context.Context, groups uint32) (*netlink, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, syscall.NETLINK_ROUTE)
	if err != nil {
		return nil, netlinkError("socket", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: groups}); err != nil {
		syscall.Close(fd)
		return nil, netlinkError("bind", err)
	}
	f := os.NewFile(uintptr(fd), "netlink") // non-blocking, so it has deadlines
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	return &netlink{File: f, stop: stop}, nil
}

func (l *netlink) Close() error {
	l.stop()
	return l.File.Close()
}

// waitEvents waits until something has changed, and takes all that is to be heard of it.
func (l *netlink) waitEvents() error {
	raw, err := l.SyscallConn()
	if err != nil {
		return netlinkError("wait", err)
	}
	buf := make([]byte, netlinkBuffer)
	heard, failure := false, error(nil)
	err = raw.Read(func(fd uintptr) bool {
		for range maxEvents {
			_, _, err := syscall.Recvfrom(int(fd), buf, 0)
			switch {
			case err == nil || errors.Is(err, syscall.ENOBUFS): // some were lost: all the more reason to look
				heard = true
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.EAGAIN):
				return heard
			default:
				failure = netlinkError("wait", err)
				return true
			}
		}
		return true
	})
	return cmp.Or(failure, netlinkError("wait", err))
}

// dump reads a table of the kernel's and calls each for its rows. If the table changes meanwhile it is
// read again.
func (l *netlink) dump(kind uint16, each func(syscall.NetlinkMessage)) error {
	for range maxDumps {
		rows, whole, err := l.dumpOnce(kind)
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		for _, m := range rows {
			each(m)
		}
		return nil
	}
	return netlinkError("read", fmt.Errorf("the table changed %d times meanwhile", maxDumps))
}

// dumpOnce returns the rows of a table, and whether they are of one moment.
func (l *netlink) dumpOnce(kind uint16) (rows []syscall.NetlinkMessage, whole bool, err error) {
	const header, family = syscall.NLMSG_HDRLEN, 1 // struct rtgenmsg: AF_UNSPEC
	l.seq++
	request := make([]byte, syscall.NLMSG_ALIGNTO*((header+family+3)/4))
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], kind)
	binary.NativeEndian.PutUint16(request[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	binary.NativeEndian.PutUint32(request[8:], l.seq)
	if _, err := l.Write(request); err != nil {
		return nil, false, netlinkError("write", err)
	}
	whole = true
	for {
		buf := make([]byte, netlinkBuffer) // rows point into it
		n, err := l.Read(buf)
		if err != nil {
			return nil, false, netlinkError("read", err)
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return nil, false, netlinkError("read", err)
		}
		for _, m := range messages {
			if m.Header.Seq != l.seq {
				continue // of a request that was given up
			}
			whole = whole && m.Header.Flags&nlmInterrupted == 0
			switch m.Header.Type {
			case syscall.NLMSG_DONE:
				return rows, whole, nil
			case syscall.NLMSG_ERROR:
				if len(m.Data) < 4 {
					return nil, false, netlinkError("read", syscall.EBADMSG)
				}
				return nil, false, netlinkError("read", syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data))))
			}
			rows = append(rows, m)
		}
	}
}
