package convert

import (
	"net"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// Error turns gVisor's error, which is no Go error, into one that errors.Is understands: an errno
// of the kind that a kernel socket returns for it, or net.ErrClosed. nil stays nil.
//
// gVisor's ErrWouldBlock and ErrConnectStarted are steps of a protocol with the caller, not results;
// callers handle them before they ask for a Go error.
func Error(err tcpip.Error) error {
	switch err.(type) {
	case nil:
		return nil
	case *tcpip.ErrAborted, *tcpip.ErrClosedForReceive, *tcpip.ErrUnknownNICID, *tcpip.ErrUnknownDevice:
		// The endpoint or its interface went away under the call.
		return net.ErrClosed
	case *tcpip.ErrClosedForSend:
		return syscall.EPIPE
	case *tcpip.ErrTimeout:
		return syscall.ETIMEDOUT
	}
	if errno, ok := errnos[err.String()]; ok {
		return errno
	}
	return &unknownError{err.String()}
}

// unknownError carries a gVisor error that this package has no errno for.
type unknownError struct{ text string }

func (e *unknownError) Error() string { return e.text }

// errnos is keyed by text, since every gVisor error is a type of its own with one constant text.
var errnos = func() map[string]syscall.Errno {
	m := make(map[string]syscall.Errno)
	for _, row := range []struct {
		err   tcpip.Error
		errno syscall.Errno
	}{
		{&tcpip.ErrAddressFamilyNotSupported{}, syscall.EAFNOSUPPORT},
		{&tcpip.ErrAlreadyBound{}, syscall.EINVAL},
		{&tcpip.ErrAlreadyConnected{}, syscall.EISCONN},
		{&tcpip.ErrAlreadyConnecting{}, syscall.EALREADY},
		{&tcpip.ErrBadAddress{}, syscall.EFAULT},
		{&tcpip.ErrBadBuffer{}, syscall.EFAULT},
		{&tcpip.ErrBadLocalAddress{}, syscall.EADDRNOTAVAIL},
		{&tcpip.ErrBroadcastDisabled{}, syscall.EACCES},
		{&tcpip.ErrConnectionAborted{}, syscall.ECONNABORTED},
		{&tcpip.ErrConnectionRefused{}, syscall.ECONNREFUSED},
		{&tcpip.ErrConnectionReset{}, syscall.ECONNRESET},
		{&tcpip.ErrDestinationRequired{}, syscall.EDESTADDRREQ},
		{&tcpip.ErrDuplicateAddress{}, syscall.EEXIST},
		{&tcpip.ErrDuplicateNICID{}, syscall.EEXIST},
		{&tcpip.ErrEndpointBusy{}, syscall.EBUSY},
		{&tcpip.ErrHostDown{}, syscall.EHOSTDOWN},
		{&tcpip.ErrHostUnreachable{}, syscall.EHOSTUNREACH},
		{&tcpip.ErrInvalidEndpointState{}, syscall.EINVAL},
		{&tcpip.ErrInvalidNICID{}, syscall.EINVAL},
		{&tcpip.ErrInvalidOptionValue{}, syscall.EINVAL},
		{&tcpip.ErrInvalidPortRange{}, syscall.EINVAL},
		{&tcpip.ErrMalformedHeader{}, syscall.EINVAL},
		{&tcpip.ErrMessageTooLong{}, syscall.EMSGSIZE},
		{&tcpip.ErrMissingRequiredFields{}, syscall.EINVAL},
		{&tcpip.ErrMulticastInputCannotBeOutput{}, syscall.EINVAL},
		{&tcpip.ErrNetworkUnreachable{}, syscall.ENETUNREACH},
		{&tcpip.ErrNoBufferSpace{}, syscall.ENOBUFS},
		{&tcpip.ErrNoNet{}, syscall.ENETUNREACH},
		{&tcpip.ErrNoPortAvailable{}, syscall.EADDRINUSE},
		{&tcpip.ErrNoSuchFile{}, syscall.ENOENT},
		{&tcpip.ErrNotConnected{}, syscall.ENOTCONN},
		{&tcpip.ErrNotPermitted{}, syscall.EPERM},
		{&tcpip.ErrNotSupported{}, syscall.EOPNOTSUPP},
		{&tcpip.ErrPortInUse{}, syscall.EADDRINUSE},
		{&tcpip.ErrQueueSizeNotSupported{}, syscall.EOPNOTSUPP},
		{&tcpip.ErrUnknownProtocol{}, syscall.EPROTONOSUPPORT},
		{&tcpip.ErrUnknownProtocolOption{}, syscall.ENOPROTOOPT},
		{&tcpip.ErrConnectStarted{}, syscall.EINPROGRESS},
		{&tcpip.ErrWouldBlock{}, syscall.EAGAIN},
	} {
		m[row.err.String()] = row.errno
	}
	return m
}()
