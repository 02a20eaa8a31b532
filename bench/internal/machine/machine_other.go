//go:build !linux

package machine

func (i *Info) readSystem() {}
