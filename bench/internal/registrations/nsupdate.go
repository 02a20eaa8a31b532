package registrations

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"

	"github.com/hextet/hextet/bench/internal/suite"
)

// findNsupdate fails with an *UnavailableError where nsupdate is not installed, or stdbuf, without which it says
// nothing until it has much to say.
func findNsupdate() error {
	for _, program := range []string{"nsupdate", "stdbuf"} {
		if _, err := exec.LookPath(program); err != nil {
			return suite.Unavailable("needs %s: %v", program, err)
		}
	}
	return nil
}

func nsupdateCommand(ctx context.Context, before ...string) *exec.Cmd {
	args := append(before, "nsupdate", "-y", fmt.Sprintf("hmac-sha256:%s:%s", keyName, base64.StdEncoding.EncodeToString(secret)))
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// preamble is the beginning of nsupdate's input: with server and zone given, it asks for nothing.
func preamble(server string) string {
	host, port, _ := net.SplitHostPort(server)
	return fmt.Sprintf("server %s %s\nzone %s\n", host, port, zone)
}

// change is what it is told for each address.
func change(b *bytes.Buffer, name string, i int) {
	fmt.Fprintf(b, "update delete %s A\nupdate add %s %d A %v\nsend\n", name, name, ttl, address(i))
}

// nsupdate is one process that is told one address after the other.
type nsupdate struct {
	name   string
	n      int
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func newNsupdate(ctx context.Context, server string) (*nsupdate, error) {
	u := &nsupdate{name: "nsupdate." + zone, cmd: nsupdateCommand(ctx, "stdbuf", "-oL")}
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if u.in, err = u.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	u.cmd.Stderr = &u.stderr
	u.out = bufio.NewReader(out)
	if err := u.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err = io.WriteString(u.in, preamble(server)); err != nil {
		return nil, errors.Join(err, u.close())
	}
	return u, nil
}

// write has nsupdate say its version after the last address: it does one thing after the other, so that is when
// it is through.
func (u *nsupdate) write(n int) error {
	var b bytes.Buffer
	for range n {
		u.n++
		change(&b, u.name, u.n)
	}
	b.WriteString("version\n")
	if _, err := u.in.Write(b.Bytes()); err != nil {
		return fmt.Errorf("registrations: nsupdate: %w", err)
	}
	for {
		line, err := u.out.ReadString('\n')
		if err != nil {
			return fmt.Errorf("registrations: nsupdate: %w", err)
		}
		if strings.HasPrefix(line, "nsupdate ") {
			return nil
		}
	}
}

func (u *nsupdate) last() map[string]string { return map[string]string{u.name: address(u.n).String()} }

func (u *nsupdate) close() error {
	err := errors.Join(u.in.Close(), u.cmd.Wait())
	if u.stderr.Len() > 0 {
		err = errors.Join(err, fmt.Errorf("registrations: nsupdate: %s", &u.stderr))
	}
	return err
}

// processes are as many nsupdates as there are addresses.
type processes struct {
	ctx    context.Context
	server string
	name   string
	n      int
}

func newProcesses(ctx context.Context, server string) *processes {
	return &processes{ctx: ctx, server: server, name: "processes." + zone}
}

func (p *processes) write(n int) error {
	for range n {
		p.n++
		b := bytes.NewBufferString(preamble(p.server))
		change(b, p.name, p.n)
		cmd := nsupdateCommand(p.ctx)
		cmd.Stdin = b
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			return fmt.Errorf("registrations: nsupdate: %w: %s", err, out)
		}
	}
	return nil
}

func (p *processes) last() map[string]string { return map[string]string{p.name: address(p.n).String()} }

func (p *processes) close() error { return nil }
