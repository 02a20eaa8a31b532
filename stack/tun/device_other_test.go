//go:build !linux

package tun

import (
	"errors"
	"strings"
	"testing"
)

func TestElsewhere(t *testing.T) {
	if _, err := Open(Config{Name: "tun0"}); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), `"tun0"`) {
		t.Errorf("error %v, want errors.ErrUnsupported and the name", err)
	}
}
