//go:build unix

package gss

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A ccache where nobody has named one is taken only from this user or root: anybody can put a file into /tmp.
func TestCCacheOfOthers(t *testing.T) {
	good, _ := grantingCCache(t, 4, time.Now().Add(time.Hour))
	path := writeFile(t, "cc", good)
	for mode, says := range map[fs.FileMode]string{0o600: "", 0o644: "", 0o620: "mode 0620", 0o602: "mode 0602"} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		check := func(s ccacheSource, says string) {
			t.Helper()
			if _, err := s.read(time.Now()); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
				t.Errorf("mode %v, unnamed %v: %v", mode, s.unnamed, err)
			}
		}
		check(ccacheSource{path: path, unnamed: true}, says)
		check(ccacheSource{path: path}, "") // whoever named it knows
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{pipe: "no regular file", t.TempDir(): "no regular file", pipe + "s": "no such file"} {
		if _, err := (ccacheSource{path: file, unnamed: true}).read(time.Now()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// owned is a file of somebody's.
type owned struct {
	fs.FileInfo
	uid uint32
}

func (o owned) Mode() fs.FileMode { return 0o600 }
func (o owned) Sys() any          { return &syscall.Stat_t{Uid: o.uid} }

func TestOthersWrite(t *testing.T) {
	for uid, says := range map[uint32]string{0: "", 1000: "", 1001: "uid 1001"} {
		if err := othersWrite(owned{uid: uid}, 1000); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("of uid %d: %v", uid, err)
		}
	}
}

// It is the name that nobody has given which is looked at.
func TestUnnamedCCache(t *testing.T) {
	for _, tt := range []struct {
		config, env string
		want        bool
	}{{"", "", true}, {"", "FILE:/tmp/cc", false}, {"/tmp/cc", "", false}} {
		t.Setenv("KRB5CCNAME", tt.env)
		p := newWorld(t).provider(func(c *Config) { c.Principal, c.Password, c.CCache = "", nil, tt.config })
		if got := p.from.(ccacheSource).unnamed; got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
