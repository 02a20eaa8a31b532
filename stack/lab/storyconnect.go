package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/hextet/hextet/stack"
)

func (tl *tale) playListen(l *storyLine) (string, error) {
	p, _, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	name := l.text
	if l.flags["udp"] {
		pc, err := p.ListenPacket(tl.ctx, "udp", ":"+l.args[1])
		if err != nil {
			return outcome(err), nil
		}
		tl.l.Go(name, func(context.Context) error { return echoPackets(pc) })
		return "", nil
	}
	ln, err := p.Listen(tl.ctx, "tcp", ":"+l.args[1])
	if err != nil {
		return outcome(err), nil
	}
	tl.l.Go(name, func(context.Context) error {
		for {
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			tl.l.Go(name, func(context.Context) error { return echo(c) })
		}
	})
	return "", nil
}

// echo sends back what comes. How a connection ends is its client's affair.
func echo(c net.Conn) error {
	defer c.Close()
	io.Copy(c, struct{ io.Reader }{c})
	return nil
}

func echoPackets(pc net.PacketConn) error {
	defer pc.Close()
	buf := make([]byte, 65535)
	for {
		n, from, err := pc.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			pc.WriteTo(buf[:n], from) // what can't be sent is lost, as elsewhere
		}
	}
}

func (tl *tale) playConnect(l *storyLine) (string, error) {
	p, _, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	if name := l.options["as"]; tl.conns[name] != nil {
		return "", l.wrong(storyWord{}, "there is a connection %q already", name)
	}
	if l.number("send", 0) > maxStory {
		return "", l.wrong(storyWord{}, "send= is expected to be at most %d", maxStory)
	}
	d := stack.Dialer{Stack: p.Stack}
	if from := l.addrs("from"); from != nil {
		d.LocalAddr = netip.AddrPortFrom(from[0], 0)
	}
	network := "tcp"
	if l.flags["udp"] {
		network = "udp"
	}
	ctx, cancel := tl.l.WithTimeout(tl.ctx, l.duration("within", 30*time.Second))
	defer cancel()
	c, err := d.DialContext(ctx, network, l.args[1])
	if err != nil {
		return outcome(err), nil
	}
	output := tl.ends(p, c, d.LocalAddr.IsValid() && !d.LocalAddr.Addr().IsUnspecified())
	if n := l.number("send", 0); n > 0 {
		took := tl.l.Now()
		if err := tl.thereAndBack(c, n); err != nil {
			output += "\n" + outcome(err)
		} else {
			output += fmt.Sprintf("\n%d bytes there and back in %v", n, tl.l.Now().Sub(took))
		}
	}
	if name := l.options["as"]; name != "" {
		if tl.conns == nil {
			tl.conns = make(map[string]net.Conn)
		}
		tl.conns[name] = c
		return output, nil
	}
	return output, c.Close()
}

// ends says between which addresses a connection is, and why.
func (tl *tale) ends(p *player, c net.Conn, bound bool) string {
	local, remote := addrOf(c.LocalAddr()), addrOf(c.RemoteAddr())
	why := "asked for"
	if !bound {
		e, err := p.Explain(remote)
		why = e.Rule.String()
		if err != nil {
			why = err.Error()
		}
	}
	return fmt.Sprintf("%v > %v: %s", local, remote, why)
}

func addrOf(a net.Addr) netip.Addr {
	if ap, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return ap.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// thereAndBack sends n bytes and reads them again.
func (tl *tale) thereAndBack(c net.Conn, n int) error {
	sent := make([]byte, n)
	for i := range sent {
		sent[i] = byte(i * 7)
	}
	c.SetDeadline(tl.l.Now().Add(time.Minute))
	defer c.SetDeadline(time.Time{})
	writer := tl.l.Go("send", func(context.Context) error {
		_, err := c.Write(sent)
		return err
	})
	got := make([]byte, n)
	_, err := io.ReadFull(c, got)
	if werr := writer.Wait(); werr != nil {
		err = werr
	}
	if err == nil && !bytes.Equal(got, sent) {
		err = errors.New("what came back is not what was sent")
	}
	return err
}

func (tl *tale) conn(l *storyLine) (net.Conn, error) {
	c := tl.conns[l.args[0]]
	if c == nil {
		return nil, l.wrong(l.word(l.args[0]), "a connection is expected that was opened with as=")
	}
	return c, nil
}

func (tl *tale) playSay(l *storyLine) (string, error) {
	c, err := tl.conn(l)
	if err != nil {
		return "", err
	}
	text := strings.Join(l.args[1:], " ")
	c.SetDeadline(tl.l.Now().Add(time.Minute))
	defer c.SetDeadline(time.Time{})
	if _, err := io.WriteString(c, text); err != nil {
		return outcome(err), nil
	}
	back := make([]byte, len(text))
	if _, err := io.ReadFull(c, back); err != nil {
		return outcome(err), nil
	}
	return string(back), nil
}

func (tl *tale) playClose(l *storyLine) (string, error) {
	c, err := tl.conn(l)
	if err != nil {
		return "", err
	}
	delete(tl.conns, l.args[0])
	return "", c.Close()
}
