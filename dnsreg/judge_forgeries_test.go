package dnsreg

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// A forger makes replies that a registrar must not take, from what an attacker may have: the true reply, the
// request, and replies to earlier requests. In some kinds he even has the key.
type forger struct {
	rng      *rand.Rand
	request  []byte
	reply    []byte
	earlier  [][]byte // authentic replies to other requests
	produced map[string]int
}

// message returns the true reply, parsed.
func (f *forger) message() *dns.Msg {
	m := new(dns.Msg)
	if err := m.Unpack(f.reply); err != nil {
		panic(err)
	}
	return m
}

// changed packs the true reply with a change, under the old signature if the change leaves that.
func (f *forger) changed(change func(*dns.Msg)) []byte {
	m := f.message()
	change(m)
	return packed(m)
}

func packed(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// signature returns the TSIG record of a message.
func signature(m *dns.Msg) *dns.TSIG { return m.Extra[len(m.Extra)-1].(*dns.TSIG) }

// signed signs a changed reply with some key, over the MAC of the request, after changing the TSIG record.
func (f *forger) signed(name string, secret []byte, change func(*dns.Msg, *dns.TSIG)) []byte {
	m, q := f.message(), new(dns.Msg)
	if err := q.Unpack(f.request); err != nil {
		panic(err)
	}
	t := signature(m)
	t.Hdr.Name, t.MAC, t.MACSize = name, "", 0
	change(m, t)
	b, _, err := dns.TsigGenerate(m, base64.StdEncoding.EncodeToString(secret), signature(q).MAC, false)
	if err != nil {
		panic(err)
	}
	return b
}

// octets corrupts some of the octets from lo on.
func (f *forger) octets(lo int) []byte {
	b := slices.Clone(f.reply)
	for range 1 + f.rng.IntN(3) {
		b[lo+f.rng.IntN(len(b)-lo)] ^= byte(1 + f.rng.IntN(255))
	}
	return b
}

// flip changes bits of one octet.
func (f *forger) flip(at int, bits byte) []byte {
	b := slices.Clone(f.reply)
	b[at] ^= bits
	return b
}

// mac is where the MAC begins in the true reply: Original ID, Error and Other Len follow it.
func (f *forger) mac() int { return len(f.reply) - 6 - len(signature(f.message()).MAC)/2 }

func (f *forger) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.rng.Uint32())
	}
	return b
}

// forgeryKinds are all kinds of replies that must not be taken.
var forgeryKinds = map[string]func(*forger) []byte{
	"garbage": func(f *forger) []byte { return f.random(f.rng.IntN(600)) },
	"garbage with the id": func(f *forger) []byte {
		return append(slices.Clone(f.reply[:2]), f.random(f.rng.IntN(600))...)
	},
	"garbage behind the header": func(f *forger) []byte {
		return append(slices.Clone(f.reply[:headerLen]), f.random(f.rng.IntN(600))...)
	},
	"cut off":        func(f *forger) []byte { return f.reply[:f.rng.IntN(len(f.reply))] },
	"something more": func(f *forger) []byte { return append(slices.Clone(f.reply), f.random(1+f.rng.IntN(20))...) },
	"the request":    func(f *forger) []byte { return f.request },
	"other id": func(f *forger) []byte {
		b := slices.Clone(f.reply)
		binary.BigEndian.PutUint16(b, binary.BigEndian.Uint16(b)+1+uint16(f.rng.IntN(1<<16-1)))
		return b
	},
	"QR 0":           func(f *forger) []byte { return f.flip(2, 0x80) },
	"other opcode":   func(f *forger) []byte { return f.flip(2, byte(1+f.rng.IntN(15))<<3) },
	"AA and RD":      func(f *forger) []byte { return f.flip(2, 4|byte(f.rng.IntN(2))) }, // TC has a test of its own
	"other flags":    func(f *forger) []byte { return f.flip(3, byte(1+f.rng.IntN(15))<<4) },
	"other rcode":    func(f *forger) []byte { return f.flip(3, byte(1+f.rng.IntN(15))) },
	"other counts":   func(f *forger) []byte { return f.flip(4+f.rng.IntN(8), byte(1+f.rng.IntN(255))) },
	"other question": func(f *forger) []byte { return f.changed(func(m *dns.Msg) { m.Question[0].Name = "other.test." }) },
	"other type": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { m.Question[0].Qtype ^= uint16(1 + f.rng.IntN(1<<16-1)) })
	},
	"other class": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { m.Question[0].Qclass ^= uint16(1 + f.rng.IntN(1<<16-1)) })
	},
	"two questions": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) })
	},
	"a record more": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: hostName, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: f.random(4)})
		})
	},
	"unsigned": func(f *forger) []byte { return f.changed(func(m *dns.Msg) { m.Extra = nil }) },
	"unsigned refusal": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { m.Extra, m.Rcode = nil, 1+f.rng.IntN(10) })
	},
	"two signatures": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { m.Extra = append(m.Extra, dns.Copy(signature(m))) })
	},
	"signature not last": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) {
			m.Extra = append(m.Extra, &dns.TXT{Hdr: dns.RR_Header{Name: hostName, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"x"}})
		})
	},
	"signature in another section": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { m.Ns, m.Extra = append(m.Ns, m.Extra...), nil })
	},
	"class of the signature": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { signature(m).Hdr.Class ^= uint16(1 + f.rng.IntN(1<<16-1)) })
	},
	"TTL of the signature": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { signature(m).Hdr.Ttl = 1 + f.rng.Uint32N(1<<31) })
	},
	"other MAC": func(f *forger) []byte {
		b, at := slices.Clone(f.reply), f.mac()
		copy(b[at:], f.random(len(b)-6-at))
		return b
	},
	"a bit of the MAC": func(f *forger) []byte {
		at := f.mac()
		return f.flip(at+f.rng.IntN(len(f.reply)-6-at), 1<<f.rng.IntN(8))
	},
	"octets of the signature": func(f *forger) []byte { return f.octets(f.mac() - 16) }, // from the times on
	"truncated MAC": func(f *forger) []byte { // RFC 8945 section 5.2.2.1
		return f.changed(func(m *dns.Msg) {
			t := signature(m)
			n := f.rng.IntN(len(t.MAC) / 2)
			t.MAC, t.MACSize = t.MAC[:2*n], uint16(n)
		})
	},
	"longer MAC": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) {
			t := signature(m)
			t.MAC += hex.EncodeToString(f.random(1 + f.rng.IntN(32)))
			t.MACSize = uint16(len(t.MAC) / 2)
		})
	},
	"BADKEY or BADSIG": func(f *forger) []byte { // as a server says it to a wrong key: RFC 8945 section 5.3.2
		return f.changed(func(m *dns.Msg) {
			t := signature(m)
			t.MAC, t.MACSize, t.Error = "", 0, uint16(dns.RcodeBadSig+f.rng.IntN(2))
			m.Rcode = dns.RcodeNotAuth
		})
	},
	"other secret": func(f *forger) []byte { return f.signed(keyName, f.random(32), func(*dns.Msg, *dns.TSIG) {}) },
	"other key": func(f *forger) []byte {
		return f.signed("other.example.test.", secret, func(*dns.Msg, *dns.TSIG) {})
	},
	"other algorithm": func(f *forger) []byte {
		algorithms := []string{dns.HmacSHA1, dns.HmacSHA224, dns.HmacSHA384, dns.HmacSHA512}
		return f.signed(keyName, secret, func(_ *dns.Msg, t *dns.TSIG) { t.Algorithm = algorithms[f.rng.IntN(len(algorithms))] })
	},
	// He who has the key still can't say that the reply is of another time, or an answer to something else.
	"too early": func(f *forger) []byte {
		return f.signed(keyName, secret, func(_ *dns.Msg, t *dns.TSIG) { t.TimeSigned -= fudge + 2 + f.rng.Uint64N(1<<20) })
	},
	"too late": func(f *forger) []byte {
		return f.signed(keyName, secret, func(_ *dns.Msg, t *dns.TSIG) { t.TimeSigned += fudge + 2 + f.rng.Uint64N(1<<20) })
	},
	"signed, other question": func(f *forger) []byte {
		return f.signed(keyName, secret, func(m *dns.Msg, _ *dns.TSIG) { m.Question[0].Name = "other.test." })
	},
	"signed, QR 0": func(f *forger) []byte {
		return f.signed(keyName, secret, func(m *dns.Msg, _ *dns.TSIG) { m.Response = false })
	},
	"signed, other opcode": func(f *forger) []byte {
		return f.signed(keyName, secret, func(m *dns.Msg, _ *dns.TSIG) { m.Opcode ^= 1 + f.rng.IntN(15) })
	},
	"other time": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { signature(m).TimeSigned += 1 + f.rng.Uint64N(200) })
	},
	"other fudge": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { signature(m).Fudge ^= uint16(1 + f.rng.IntN(1<<16-1)) })
	},
	"other original id": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { signature(m).OrigId ^= uint16(1 + f.rng.IntN(1<<16-1)) })
	},
	"other error": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) { signature(m).Error ^= uint16(1 + f.rng.IntN(1<<16-1)) })
	},
	"other data": func(f *forger) []byte {
		return f.changed(func(m *dns.Msg) {
			t := signature(m)
			t.OtherData, t.OtherLen = "000000000000", 6
		})
	},
	"an earlier reply": func(f *forger) []byte { return f.earlier[f.rng.IntN(len(f.earlier))] },
	"an earlier reply with the id": func(f *forger) []byte {
		// The digest has Original ID, so the id is not what gives the reply away.
		return append(slices.Clone(f.reply[:2]), f.earlier[f.rng.IntN(len(f.earlier))][2:]...)
	},
}

// forge returns n forgeries of all kinds in turn.
func (f *forger) forge(n int) (out [][]byte) {
	kinds := slices.Sorted(func(yield func(string) bool) {
		for kind := range forgeryKinds {
			if !yield(kind) {
				return
			}
		}
	})
	for len(out) < n {
		kind := kinds[(f.produced["all"])%len(kinds)]
		f.produced["all"]++
		b := forgeryKinds[kind](f)
		if slices.Equal(b, f.reply) { // what was changed was so before
			continue
		}
		f.produced[kind]++
		out = append(out, b)
	}
	return out
}

// Of 10^5 forged replies, of every kind, none is taken, and the authentic reply behind them is.
func TestJudgeForgeries(t *testing.T) {
	total := Size(100_000, 100_000, 5_000)
	const each = 50 // before every reply: what a socket's queue has room for
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				f := &forger{rng: rand.New(rand.NewPCG(8945, 0)), produced: make(map[string]int)}
				forged := 0
				w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
					w.updates, w.queries = nil, nil
					return dnsregtest.Fault{Forge: func(reply []byte) (out [][]byte) {
						f.request, f.reply = q.Raw, reply
						if len(f.earlier) > 0 {
							out = f.forge(each)
							forged += len(out)
						}
						if f.earlier = append(f.earlier, reply); len(f.earlier) > 20 {
							f.earlier = f.earlier[1:]
						}
						return out
					}}
				})
				r := w.registrar(func(c *Config) { c.TCP = network == "tcp" })
				start := time.Now()
				for i := 0; forged < total/2; i++ {
					a := fmt.Sprintf("192.0.2.%d", 1+i%200)
					w.table.Set(host(a, "192.0.2.250 skip", "2001:db8::1")...)
					w.sync(r)
					w.holds(a, "2001:db8::1")
					if t.Failed() {
						t.FailNow()
					}
				}
				c := r.Status().Counters
				if got := int(c.Ignored + c.NotAuthentic); got != forged {
					t.Errorf("%d of %d forged replies were seen through", got, forged)
				}
				if c.Retransmits != 0 || c.Conflicts != 0 || time.Since(start) != 0 {
					t.Errorf("the authentic replies did not do at once: %+v, %v", c, time.Since(start))
				}
				for kind := range forgeryKinds {
					if n := f.produced[kind]; n < forged/len(forgeryKinds)/2 {
						t.Errorf("%d of kind %q among %d", n, kind, forged)
					}
				}
			})
		})
	}
}

// Anybody may set TC: the question goes on over TCP, where the reply has to be authentic.
func TestJudgeForgedTruncation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := &forger{}
		streams := 0
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			if q.Network == "tcp" {
				streams++
			}
			return dnsregtest.Fault{Forge: func(reply []byte) [][]byte {
				f.reply = reply
				truncated := f.changed(func(m *dns.Msg) { m.Truncated, m.Extra, m.Rcode = true, nil, dns.RcodeRefused })
				return [][]byte{truncated}
			}}
		})
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar()
		w.sync(r)
		w.holds("192.0.2.1")
		c := r.Status().Counters
		if streams == 0 || int(c.NotAuthentic) != 2*streams || int(c.OverTCP) != streams {
			t.Errorf("%d requests over TCP, %+v", streams, c)
		}
	})
}
