package stack

import "fmt"

// An Event tells how one thing of a host is now, or how it was when it went: a LinkEvent, an
// AddressEvent, a RouteEvent or a RouterEvent.
type Event interface {
	fmt.Stringer
	isEvent()
}

// LinkEvent is about an interface.
type LinkEvent struct {
	Interface string
	Index     int
	Err       error // why the interface is of no use although it is attached; nil: it works
	Removed   bool  // it was detached
}

// AddressEvent is about an address of an interface.
type AddressEvent struct {
	Interface string
	Index     int
	AddressInfo
	Removed bool
}

// RouteEvent is about a route, those to the prefixes of own addresses and those from routers included.
type RouteEvent struct {
	Route
	Removed bool
}

// RouterEvent is about what an interface has learnt from routers: that changed.
type RouterEvent struct {
	Interface string
	Index     int
	RouterInfo
	Removed bool // the interface was detached, and RouterInfo is empty
}

func (LinkEvent) isEvent()    {}
func (AddressEvent) isEvent() {}
func (RouteEvent) isEvent()   {}
func (RouterEvent) isEvent()  {}

// String returns a line such as "link eth0 up".
func (e LinkEvent) String() string {
	switch {
	case e.Removed:
		return fmt.Sprintf("link %s removed", e.Interface)
	case e.Err != nil:
		return fmt.Sprintf("link %s down: %v", e.Interface, e.Err)
	}
	return fmt.Sprintf("link %s up", e.Interface)
}

// String returns a line such as "address eth0 2001:db8::1/64 assigned skipassource".
func (e AddressEvent) String() string {
	s := fmt.Sprintf("address %s %v ", e.Interface, e.Prefix)
	if e.Removed {
		return s + "removed"
	}
	s += e.State.String()
	for _, f := range []struct {
		on   bool
		text string
	}{{e.SkipAsSource, "skipassource"}, {e.Deprecated, "deprecated"}, {e.Temporary, "temporary"}, {e.HomeAddress, "home"}} {
		if f.on {
			s += " " + f.text
		}
	}
	return s
}

// String returns a line such as "route 2001:db8::/64 dev eth0".
func (e RouteEvent) String() string {
	if e.Removed {
		return fmt.Sprintf("route %v removed", e.Route)
	}
	return fmt.Sprintf("route %v", e.Route)
}

// String returns a line such as "routers eth0: 2 routers, 1 prefix, 1 DNS server".
func (e RouterEvent) String() string {
	if e.Removed {
		return fmt.Sprintf("routers %s: removed", e.Interface)
	}
	return fmt.Sprintf("routers %s: %v", e.Interface, e.RouterInfo)
}
