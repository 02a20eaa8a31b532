package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

const demoName = "web.example.test"

var (
	demoZones = []string{"example.test", "2.0.192.in-addr.arpa", "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}
	demoKey   = []byte("a secret of the demonstration's ")
)

// demonstration is a host on a network in memory, with a DNS server. Whatever is asked or updated goes
// through the host's own stack, from the addresses that it registers.
type demonstration struct {
	*lab.Lab
	dns       *lab.DNS
	host      *lab.Host
	registrar *dnsreg.Registrar
	out       io.Writer
}

// demo tells on out what this program is for.
func demo(ctx context.Context, out io.Writer) error {
	l, err := lab.Start(ctx)
	if err != nil {
		return err
	}
	d := &demonstration{Lab: l, out: out}
	if err = d.build(); err == nil {
		err = d.tell(ctx)
	}
	return errors.Join(err, l.Close())
}

func (d *demonstration) build() (err error) {
	records := []string{"ns1.example.test. 300 A 192.0.2.53", "ns1.example.test. 300 AAAA 2001:db8::53"}
	for _, zone := range demoZones {
		records = append(records, zone+". 300 SOA ns1.example.test. hostmaster.example.test. 1 3600 600 86400 60")
	}
	d.dns, err = d.AddDNS(lab.DNSConfig{
		Addresses: lab.Addresses("192.0.2.53/24", "2001:db8::53/64"), Zones: demoZones, Records: records,
		Keys: map[string][]byte{"demo": demoKey},
	})
	if err != nil {
		return err
	}
	at := func(prefix string) stack.Address { return stack.Address{Prefix: netip.MustParsePrefix(prefix)} }
	all := []stack.Address{
		at("192.0.2.10/24"), at("192.0.2.11/24"),
		at("2001:db8::10/64"), at("2001:db8::11/64"), at("2001:db8::12/64"), at("2001:db8::13/64"),
	}
	all[1].SkipAsSource, all[3].SkipAsSource, all[4].Deprecated, all[5].Temporary = true, true, true, true
	if d.host, err = d.AddHost(lab.HostConfig{Name: "web", Addresses: all}); err != nil {
		return err
	}
	var resolvers []string
	for _, at := range d.dns.Nameservers() {
		resolvers = append(resolvers, at.String())
	}
	d.registrar, err = dnsreg.New(dnsreg.Config{
		Name: demoName, Source: d.host, Resolvers: resolvers, Auth: dnsreg.TSIG("demo", "hmac-sha256", demoKey),
		Dial: d.host.DialContext, Clock: d.Clock(),
	})
	return err
}

func (d *demonstration) tell(ctx context.Context) error {
	d.title("A host with six addresses. What it would register, and how:")
	plan, err := d.registrar.Plan(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(d.out, plan)
	if err := d.pass(ctx, "Registered. DNS has:"); err != nil {
		return err
	}
	if err := d.flag("192.0.2.10", true); err != nil {
		return err
	}
	if err := d.flag("192.0.2.11", false); err != nil {
		return err
	}
	d.title("The flag skip-as-source moves from 192.0.2.11 to 192.0.2.10. What that changes:")
	if plan, err = d.registrar.Plan(ctx); err != nil {
		return err
	}
	fmt.Fprint(d.out, plan)
	if err := d.pass(ctx, "Done. DNS has:"); err != nil {
		return err
	}
	if err := d.pass(ctx, "Confirmed, by messages that change nothing. DNS has:"); err != nil {
		return err
	}
	if err := d.registrar.Deregister(ctx); err != nil {
		return err
	}
	d.title("Deregistered. DNS has:")
	d.zones()
	return nil
}

func (d *demonstration) title(text string) { fmt.Fprintf(d.out, "\n%s\n\n", text) }

func (d *demonstration) flag(address string, skip bool) error {
	return d.host.Interfaces()[0].SetSkipAsSource(netip.MustParseAddr(address), skip)
}

// pass registers and shows what has come of it.
func (d *demonstration) pass(ctx context.Context, title string) error {
	before := d.registrar.Status().Counters
	if err := d.registrar.Sync(ctx); err != nil {
		return err
	}
	d.title(title)
	d.zones()
	after := d.registrar.Status().Counters
	fmt.Fprintf(d.out, "  by %d updates of %d bytes\n", after.Updates-before.Updates, after.UpdateBytes-before.UpdateBytes)
	return nil
}

// zones shows what the server has, beside itself.
func (d *demonstration) zones() {
	for _, zone := range demoZones {
		fmt.Fprintf(d.out, "  zone %s, serial %d\n", zone, d.dns.Server().Serial(zone))
		for _, r := range d.dns.Server().Zone(zone) {
			if !strings.HasPrefix(r.Name, "ns1.") && r.Type != "SOA" && r.Type != "NS" {
				fmt.Fprintf(d.out, "    %v\n", r)
			}
		}
	}
}
