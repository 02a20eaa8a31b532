package turn_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/hextet/hextet/stack/internal/turn"
)

// slowReady is a real select over the channels, from which nothing is lost: what it received goes back.
func slowReady(chans []chan struct{}) bool {
	var cases []reflect.SelectCase
	for _, c := range chans {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)})
	}
	cases = append(cases, reflect.SelectCase{Dir: reflect.SelectDefault})
	n, _, ok := reflect.Select(cases)
	if ok {
		chans[n] <- struct{}{}
	}
	return n < len(chans)
}

func TestReadyIsWhatARealSelectDoes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	ready := 0
	for range 20_000 {
		var chans []chan struct{}
		var receive []<-chan struct{}
		for range rnd.IntN(4) {
			var c chan struct{} // nil: never
			switch rnd.IntN(8) {
			case 0: // closed, as the end of something is
				c = make(chan struct{})
				close(c)
			case 1, 2, 3: // as long as it is not
				c = make(chan struct{})
			case 4: // a token
				c = make(chan struct{}, 1+rnd.IntN(2))
				c <- struct{}{}
			case 5, 6: // none
				c = make(chan struct{}, 1)
			}
			chans, receive = append(chans, c), append(receive, c)
		}
		got, tokens := turn.Ready(receive...), 0
		for _, c := range chans {
			tokens += len(c)
		}
		if want := slowReady(chans); got != want {
			t.Fatalf("Ready is %v, and a select %v", got, want)
		}
		for _, c := range chans {
			tokens -= len(c)
		}
		if tokens != 0 {
			t.Fatal("Ready took a token")
		}
		if got {
			ready++
		}
	}
	if ready == 0 || ready == 20_000 {
		t.Error(ready, "of 20000 were ready: the test shows nothing")
	}
}

func TestReader(t *testing.T) {
	for n := range 40 {
		got := make([]byte, n+1)
		got[n] = 0xee
		if _, err := io.ReadFull(turn.Reader(rand.NewPCG(1, 2)), got[:n]); err != nil || got[n] != 0xee {
			t.Fatal(err, got)
		}
		var want []byte
		for src := rand.NewPCG(1, 2); len(want) < n; {
			want = binary.LittleEndian.AppendUint64(want, src.Uint64())
		}
		if !bytes.Equal(got[:n], want[:n]) {
			t.Errorf("%x, want %x", got[:n], want[:n])
		}
	}
}

func TestOf(t *testing.T) {
	if turn.Of(nil) != nil || turn.Of(1) != nil {
		t.Error("what is no Host is one")
	}
}
