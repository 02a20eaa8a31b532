package conformance

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
)

// socket opens a socket, and each further step is about it.
func socket(proto uint8) step { return bound(proto, netip.Addr{}) }

// bound opens a socket with a local address.
func bound(proto uint8, local netip.Addr) step {
	return stepFunc(func(r *rig) error {
		if r.did("socket of protocol %d", proto); local.IsValid() {
			r.did("bound to %v", local)
		}
		if _, err := r.listen(proto, local); err != nil {
			return deviates("a raw socket", "no socket: %s", because(err))
		}
		return nil
	})
}

// use goes back to the case's first (0), second (1) socket.
func use(i int) step {
	return stepFunc(func(r *rig) error {
		r.did("socket %d", i+1)
		r.current = r.socks[i+1] // the first is the helper
		return nil
	})
}

// connected connects the socket, or, with the zero Addr, undoes it.
func connected(to netip.Addr) step {
	return stepFunc(func(r *rig) error {
		r.did("connect %v", to)
		c, ok := r.current.Socket.(Connector)
		if !ok {
			return deviates("a socket that can be connected", "%v", missing("Connect"))
		}
		if err := c.Connect(to); err != nil {
			return deviates("connected", "connect: %s", because(err))
		}
		r.current.remote = to
		return nil
	})
}

// option sets IPV6_CHECKSUM, which has to succeed.
func option(offset int) step {
	return stepFunc(func(r *rig) error {
		r.did("IPV6_CHECKSUM = %d", offset)
		if err := setOffset(r.current, offset); err != nil {
			return deviates(fmt.Sprintf("offset %d is set", offset), "offset %d is refused: %s", offset, because(err))
		}
		r.current.offset = max(offset, icmp6.Disabled)
		return nil
	})
}

// refusesOption sets IPV6_CHECKSUM in vain.
func refusesOption(offset int) step {
	return stepFunc(func(r *rig) error {
		r.did("IPV6_CHECKSUM = %d", offset)
		switch err := setOffset(r.current, offset); err.(type) {
		case nil:
			return deviates(fmt.Sprintf("offset %d is refused", offset), "offset %d is accepted", offset)
		case missingError:
			return deviates("a refusal", "%v", err)
		}
		return nil
	})
}

// switchedOff asks for no checksum in the shape of golang.org/x/net, and takes any answer. What the
// socket can't be asked, it does not do.
var switchedOff = stepFunc(func(r *rig) error {
	r.did("SetChecksum(false, 0)")
	if c, ok := r.current.Socket.(checksumSetter); ok {
		c.SetChecksum(false, 0) // what counts is what it does
	}
	return nil
})

// readsOption gets IPV6_CHECKSUM, -1 for off, in each way that the socket has.
func readsOption(want int) step {
	return stepFunc(func(r *rig) error {
		due := "IPV6_CHECKSUM reads " + offsetText(want)
		exact, isExact := r.current.Socket.(offsetGetter)
		if isExact {
			if got := exact.ChecksumOffset(); got != want {
				return deviates(due, "it reads %d", got)
			}
		}
		c, ok := r.current.Socket.(checksumGetter)
		switch {
		case !ok && !isExact:
			return deviates(due, "%v", missing("ChecksumOffset"))
		case !ok:
			return nil
		}
		on, offset, err := c.Checksum()
		if err != nil {
			return deviates(due, "%s", because(err))
		}
		// golang.org/x/net says of an option that is off that it is on, at 4294967295.
		if on && int32(offset) == icmp6.Disabled {
			on = false
		}
		if !on {
			offset = icmp6.Disabled
		}
		if offset != want {
			return deviates(due, "it reads %s", offsetText(offset))
		}
		return nil
	})
}

func offsetText(offset int) string {
	if offset < 0 {
		return "off"
	}
	return fmt.Sprint(int32(offset))
}

// filtered sets ICMP6_FILTER.
func filtered(set func(f *icmp6.Filter)) step {
	return stepFunc(func(r *rig) error {
		r.did("ICMP6_FILTER set")
		f := r.current.filter
		set(&f)
		if err := setFilter(r.current, f); err != nil {
			return deviates("the filter is set", "the filter is refused: %s", because(err))
		}
		r.current.filter = f
		return nil
	})
}

// refusesFilter sets ICMP6_FILTER in vain; a socket may also have no method for it.
var refusesFilter = stepFunc(func(r *rig) error {
	r.did("ICMP6_FILTER set")
	if err := setFilter(r.current, icmp6.Filter{}); err == nil {
		return deviates("the filter is refused", "the filter is accepted")
	}
	return nil
})

// readsFilter gets ICMP6_FILTER back as it was set.
var readsFilter = stepFunc(func(r *rig) error {
	const due = "the filter as it was set"
	var got icmp6.Filter
	var err error
	switch c := r.current.Socket.(type) {
	case filterGetter:
		got = c.Filter()
	case icmpFilterGetter:
		f, ferr := c.ICMPFilter()
		if err = ferr; err == nil {
			got, err = icmp6.FilterOf(f)
		}
	default:
		err = missing("Filter")
	}
	if err != nil {
		return deviates(due, "%s", because(err))
	}
	if got != r.current.filter {
		return deviates(due, "another filter")
	}
	return nil
})

// joins and leaves are a membership of Group.
var (
	joins  = member("join", func(m groupMember, r *rig) error { return m.JoinGroup(r.b.Interface(), address(Group)) })
	leaves = member("leave", func(m groupMember, r *rig) error { return m.LeaveGroup(r.b.Interface(), address(Group)) })
)

func member(verb string, do func(m groupMember, r *rig) error) step {
	return stepFunc(func(r *rig) error {
		r.did("%s %v", verb, Group)
		m, ok := r.current.Socket.(groupMember)
		if !ok {
			return deviates("a socket that can join", "%v", missing("JoinGroup"))
		}
		if err := do(m, r); err != nil {
			return deviates("done", "%s: %s", verb, because(err))
		}
		return nil
	})
}

// sets calls a setter that only some sockets have.
func sets[S any](what, method string, do func(S) error) step {
	return stepFunc(func(r *rig) error {
		r.did("%s", what)
		s, ok := r.current.Socket.(S)
		if !ok {
			return deviates(what, "%v", missing(method))
		}
		if err := do(s); err != nil {
			return deviates(what, "%s is refused: %s", what, because(err))
		}
		return nil
	})
}
