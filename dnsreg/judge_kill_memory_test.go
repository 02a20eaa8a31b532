//go:build unix

package dnsreg

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// killWorld is a server in memory. Goroutines that end in the midst of what they do stand for processes.
type killWorld struct {
	*world
	before zones
}

func newKillWorld(t *testing.T) *killWorld {
	w := &killWorld{world: newWorld(t)}
	insertBeside(t, w.server)
	w.before = zonesOf(w.server)
	return w
}

func insertBeside(t *testing.T, s *dnsregtest.Server) {
	t.Helper()
	for zone, lines := range beside {
		for _, line := range lines {
			name, rest, _ := strings.Cut(line, " ")
			rest = strings.ReplaceAll(" "+rest, " other", " other.example.test.")
			rest = strings.ReplaceAll(rest, ".example.test..example.test.", ".example.test.")
			if strings.HasPrefix(rest, " IN") {
				rest = " 300" + rest
			}
			if err := s.Insert(name + "." + zone + "." + rest); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// site is a host in the world.
func (w *killWorld) site(st State, f *fuse) killSite {
	return killSite{server: serverAddr, dial: w.net.dial, state: st, fuse: f}
}

// fusedState has points before and after what takes a state's file its place at once.
type fusedState struct {
	memState
	f *fuse
}

func (s *fusedState) Save(data []byte) error {
	s.f.at("before saving")
	err := s.memState.Save(data)
	s.f.at("after saving")
	return err
}

// kill goes through lives and dies at a point of the last one. It returns false if the lives were over before.
func (w *killWorld) kill(t *testing.T, site killSite, point int, lives ...hostLife) (died bool) {
	t.Helper()
	var err error
	site.fuse.burn, site.fuse.kill = runtime.Goexit, true
	ended := make(chan struct{})
	died = true
	go func() {
		defer close(ended)
		err = site.live(t.Context(), point, lives...)
		died = false
	}()
	<-ended
	site.fuse.left = 0
	if err != nil {
		t.Fatalf("before point %d: %v", point, err)
	}
	return died
}

// judge has the host go on, and checks the zones.
func (w *killWorld) judge(t *testing.T, site killSite, how string, next hostLife) {
	t.Helper()
	if err := site.live(t.Context(), 0, next); err != nil {
		t.Errorf("%s, then %v: %v", how, next, err)
	}
	if diff := zonesOf(w.server).differ(w.before.with(next)); diff != "" {
		t.Errorf("%s, then %v:\n%s", how, next, diff)
	}
}

// eachPoint kills at one point of a scene after the other, each time in a world of its own.
func (s scene) eachPoint(t *testing.T, stateless bool, then func(w *killWorld, site killSite, point int, how string)) {
	points := 0
	for alive := false; !alive && !t.Failed(); {
		points++
		w, f := newKillWorld(t), new(fuse)
		st := &fusedState{f: f}
		site, next := w.site(st, f), w.site(&st.memState, nil)
		if stateless {
			site, next = w.site(nil, f), w.site(nil, nil)
		}
		alive = !w.kill(t, site, points, s.lives...)
		then(w, next, points, fmt.Sprintf("killed %s (point %d)", f.last, points))
		w.server.Close()
	}
	if points < 12 && !t.Failed() {
		t.Errorf("%d points only", points)
	}
}

// Whatever a Registrar does when it is killed, the next one, which has its state, leaves exactly what it wants
// of ours, and everything else as it was: with the same addresses and names, with others, with none.
func TestJudgeKillInMemory(t *testing.T) {
	for turn, s := range slices.Concat(scenes, moreScenes) {
		t.Run(s.name, func(t *testing.T) {
			sequels := s.last().sequels()
			s.eachPoint(t, false, func(w *killWorld, site killSite, point int, how string) {
				w.judge(t, site, how, sequels[(point+turn)%len(sequels)])
			})
		})
	}
}

// Without a state, records of addresses that the host still has are known by what they say. The PTR record of an
// address that it no longer has can stay behind if the process was killed after the A or AAAA record had gone, and in
// no other case.
func TestJudgeKillWithoutState(t *testing.T) {
	for _, s := range slices.Concat(scenes, moreScenes) {
		next := s.last()
		if next.Owner == "" && !slices.Equal(next.Names, s.lives[0].Names) {
			continue // nobody knows of the former names
		}
		if next.Owner != s.lives[0].Owner {
			continue // nobody knows of the former mark
		}
		t.Run(s.name, func(t *testing.T) {
			next.Remove = false
			for _, l := range s.lives {
				for _, line := range l.table() {
					if addr, _, _ := strings.Cut(line, " "); !strings.Contains(next.Table+" ", addr+" ") && !strings.Contains(next.Table, addr+"/") {
						next.Table += " " + addr + "/skip"
					}
				}
			}
			s.eachPoint(t, true, func(w *killWorld, site killSite, point int, how string) { w.judgeStateless(t, site, how, next) })
		})
	}
}

func (w *killWorld) judgeStateless(t *testing.T, site killSite, how string, next hostLife) {
	t.Helper()
	gone := zonesOf(w.server)
	if next.Owner != "" { // then the mark is enough
		next.Table = "192.0.2.7"
	}
	if err := site.live(t.Context(), 0, next); err != nil {
		t.Errorf("%s: %v", how, err)
	}
	got, want := zonesOf(w.server), w.before.with(next)
	for _, zone := range reverseZones {
		got[zone] = slices.DeleteFunc(got[zone], func(line string) bool {
			f := strings.Fields(line)
			addr := addressBehind(f[0])
			forward := f[4] + " "
			stood := slices.ContainsFunc(gone["example.test"], func(l string) bool {
				return strings.HasPrefix(l, forward) && strings.HasSuffix(l, " "+addr.String())
			})
			away := !slices.Contains(strings.Fields(strings.ReplaceAll(next.Table, "/skip", "")), addr.String())
			return f[3] == "PTR" && away && !stood && !slices.Contains(want[zone], line)
		})
	}
	if diff := got.differ(want); diff != "" {
		t.Errorf("%s, then %v:\n%s", how, next, diff)
	}
}

// randomLife is one of hosts that change everything all the time.
func randomLife(rng *rand.Rand, names []string, owners []string) hostLife {
	l := hostLife{TTL: []int{0, 0, 600}[rng.IntN(3)], Owner: owners[rng.IntN(len(owners))], Remove: rng.IntN(8) == 0}
	for _, i := range rng.Perm(len(names))[:1+rng.IntN(2)] {
		l.Names = append(l.Names, names[i])
	}
	for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"} {
		switch rng.IntN(3) {
		case 0:
			l.Table += " " + addr
		case 1:
			l.Table += " " + addr + "/skip"
		}
	}
	return l
}

// Killed again and again, in the midst of all kinds of changes, a host that lives through one pass leaves
// exactly what it wants.
func TestJudgeKillRandomly(t *testing.T) {
	for seed := range Size(10_000, 400, 60) {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		names, owners := []string{"host", "www", "new"}, []string{""}
		if seed%2 == 0 {
			names, owners = []string{"mine", "www", "new"}, []string{"", "this", "that"} // host has an address that is not ours
		}
		w, f := newKillWorld(t), new(fuse)
		st := &fusedState{f: f}
		var how []string
		for range 2 + rng.IntN(4) {
			l := randomLife(rng, names, owners)
			died := w.kill(t, w.site(st, f), 1+rng.IntN(70), l)
			how = append(how, fmt.Sprintf("%v: died %v %s", l, died, f.last))
		}
		w.judge(t, w.site(&st.memState, nil), fmt.Sprintf("seed %d:\n%s\n", seed, strings.Join(how, "\n")), randomLife(rng, names, owners))
		w.server.Close()
		if t.Failed() {
			return
		}
	}
}

// An update that is on its way when its sender is killed may be carried out later, in the midst of what the next
// Registrar does, or after it: its records go as well, in that pass or in the next.
func TestJudgeKillLateUpdate(t *testing.T) {
	stride := Size(1, 9, 25)
	for turn, s := range slices.Concat(scenes, moreScenes) {
		t.Run(s.name, func(t *testing.T) {
			sequels := s.last().sequels()
			for _, next := range []hostLife{sequels[turn%5], sequels[(turn+2)%5]} {
				for point := 1 + turn%stride; killLate(t, s, next, point) && !t.Failed(); point += stride {
				}
			}
		})
	}
}

// killLate kills when the update of the forward zone is sent, and has it arrive at a point of the next hostLife. It
// returns false if that was after its first pass.
func killLate(t *testing.T, s scene, next hostLife, point int) (within bool) {
	w, f := newKillWorld(t), new(fuse)
	defer w.server.Close()
	st := &fusedState{f: f}
	var network string
	var update []byte
	f.lose = func(n string, b []byte) bool {
		if f.left == 0 {
			return false // not yet the last life
		}
		network, update = n, slices.Clone(b)
		runtime.Goexit()
		return true
	}
	if !w.kill(t, w.site(st, f), 1<<30, s.lives...) {
		t.Fatal("the last life sends no update")
	}
	arrived := false
	arrive := func() {
		arrived = true
		conn, err := w.net.dial(t.Context(), network, serverAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(update); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1<<16)); err != nil { // then it is carried out, or refused
			t.Fatal(err)
		}
	}
	late := &fuse{burn: arrive}
	site := w.site(&st.memState, late)
	table := new(AddressTable)
	table.Set(host(next.table()...)...)
	r, err := site.registrar(next, table)
	if err != nil {
		t.Fatal(err)
	}
	late.left = point
	for pass := range 3 {
		run := r.Sync
		if next.Remove {
			run = r.Deregister
		}
		if err := run(t.Context()); err != nil {
			t.Errorf("point %d, then %v: %v", point, next, err)
		}
		if pass == 0 {
			within = arrived
			late.left = 0
		}
		if !arrived {
			arrive()
		}
	}
	if diff := zonesOf(w.server).differ(w.before.with(next)); diff != "" {
		t.Errorf("the update arrives %s (point %d) of %v:\n%s", late.last, point, next, diff)
	}
	return within
}
