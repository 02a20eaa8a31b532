package icmp6_test

import (
	"errors"
	"math"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

func TestDefaultOffset(t *testing.T) {
	for proto := range 256 {
		want := icmp6.Offset(icmp6.Disabled)
		if proto == icmp6.Protocol {
			want = icmp6.ChecksumOffset
		}
		if got := icmp6.DefaultOffset(uint8(proto)); got != want {
			t.Errorf("protocol %d: got %d, want %d", proto, got, want)
		}
	}
}

func TestNewOffset(t *testing.T) {
	for _, tt := range []struct {
		proto  uint8
		offset int
		want   icmp6.Offset
		err    error
		number string // in the error's text
	}{
		{58, 2, 2, icmp6.ErrMandatory, "2 refused"},
		{58, -1, 2, icmp6.ErrMandatory, "-1 refused"},
		{58, 0, 2, icmp6.ErrMandatory, "0 refused"},
		{58, 3, 2, icmp6.ErrMandatory, "3 refused"},
		{17, 6, 6, nil, ""},
		{89, 12, 12, nil, ""},
		{253, 0, 0, nil, ""},
		{254, 65532, 65532, nil, ""},
		{89, -1, icmp6.Disabled, nil, ""},
		{89, -2, icmp6.Disabled, nil, ""},
		{89, -3, icmp6.Disabled, nil, ""},
		{89, math.MinInt, icmp6.Disabled, nil, ""},
		{89, 1, icmp6.Disabled, icmp6.ErrOddOffset, "1"},
		{17, 65533, icmp6.Disabled, icmp6.ErrOddOffset, "65533"},
		{89, math.MaxInt32, icmp6.Disabled, icmp6.ErrOddOffset, "2147483647"},
		{89, 65534, icmp6.Disabled, icmp6.ErrLargeOffset, "65534, at most 65532"},
		{89, math.MaxInt32 - 1, icmp6.Disabled, icmp6.ErrLargeOffset, "2147483646"},
	} {
		got, err := icmp6.NewOffset(tt.proto, tt.offset)
		if got != tt.want {
			t.Errorf("NewOffset(%d, %d) = %d, want %d", tt.proto, tt.offset, got, tt.want)
		}
		checkError(t, err, tt.err, tt.number)
		if tt.err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("NewOffset(%d, %d): %v is not EINVAL", tt.proto, tt.offset, err)
		}
	}
}

// checkError wants an error that errors.Is finds, that begins with the package's
// name, and whose text has the numbers.
func checkError(t *testing.T, got, want error, numbers string) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
		return
	}
	if want == nil {
		return
	}
	if text := got.Error(); !strings.HasPrefix(text, "icmp6: ") || !strings.Contains(text, numbers) {
		t.Errorf("error %q does not begin with the package or lacks %q", text, numbers)
	}
}

func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		err   error
		errno error
	}{
		{icmp6.ErrMandatory, syscall.EINVAL},
		{icmp6.ErrOddOffset, syscall.EINVAL},
		{icmp6.ErrLargeOffset, syscall.EINVAL},
		{icmp6.ErrShort, syscall.EINVAL},
		{icmp6.ErrFamily, syscall.EAFNOSUPPORT},
	} {
		if !errors.Is(tt.err, tt.errno) {
			t.Errorf("%v is not %v", tt.err, tt.errno)
		}
	}
	for _, err := range []error{icmp6.ErrJumbo, icmp6.ErrChecksum} {
		if errors.Is(err, syscall.EINVAL) {
			t.Errorf("%v is EINVAL", err)
		}
	}
}
