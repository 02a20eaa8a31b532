package dnsreg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// State keeps what a Registrar has to know after a crash: which records are its own. The bytes are text
// with a checksum. A Registrar calls the methods from one goroutine at a time: Load from New, Save on the goroutine
// of Sync, Deregister or Run, which it must not call, nor Plan.
type State interface {
	// Load returns what Save was given last, and nil, nil if nothing was kept.
	Load() ([]byte, error)
	// Save keeps data, which it does not modify, instead of what was kept. It returns once data survives
	// a crash; before that, a crash leaves the old or the new, whole.
	Save(data []byte) error
}

// maxState bounds what is read and written.
const maxState = 16 << 20

// StateError is a state that can't be used.
type StateError struct {
	Path string // of the file; empty: a State of another kind
	Rule string // what is wrong
	Err  error  // the operating system's error; nil: none
}

func (e *StateError) Error() string {
	s := "dnsreg: state"
	if e.Path != "" {
		s += " " + e.Path
	}
	s += ": " + e.Rule
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *StateError) Unwrap() error { return e.Err }

// Class implements the classification of ClassOf.
func (e *StateError) Class() Class { return Permanent }

// StateFile returns a State in a file, for one Registrar at a time. The directory has to exist. A new file
// takes the old one's place by rename, after fsync, through <path>.tmp; a damaged one is kept as <path>.bad.
//
// The file decides which records may be deleted. It is created for its owner only (mode 0600), and on
// Unix refused, with a *StateError, when somebody else could have written it. On Windows the directory's
// access control list decides.
func StateFile(path string) State { return &stateFile{path: path} }

type stateFile struct {
	path string
	step func(name string) // called when a step of Save is done; nil but in tests
}

func (f *stateFile) fail(rule string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // it would name the path again
	}
	return &StateError{Path: f.path, Rule: rule, Err: err}
}

func (f *stateFile) temporary() string { return f.path + ".tmp" }

func (f *stateFile) Load() ([]byte, error) {
	os.Remove(f.temporary()) // a crash in the middle of Save may have left it; if it can't go, Save will say so
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, f.fail("open", err)
	case !info.Mode().IsRegular(): // opening a pipe might wait, and Save would replace a link, not its target
		return nil, f.fail("no regular file: "+info.Mode().String(), nil)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, f.fail("open", err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, f.fail("stat", err)
	}
	if rule := unsafeFile(info); rule != "" {
		return nil, f.fail(rule, nil)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxState+1))
	if err != nil {
		return nil, f.fail("read", err)
	}
	return data, nil
}

func (f *stateFile) Save(data []byte) error {
	if len(data) > maxState {
		return f.fail(fmt.Sprintf("%d octets to be saved exceed the limit of %d", len(data), maxState), nil)
	}
	if err := f.write(data); err != nil {
		os.Remove(f.temporary())
		return err
	}
	if err := os.Rename(f.temporary(), f.path); err != nil {
		os.Remove(f.temporary())
		if l, ok := errors.AsType[*os.LinkError](err); ok {
			err = l.Err
		}
		return f.fail("rename "+f.temporary(), err)
	}
	f.done("rename")
	if err := syncDirectory(filepath.Dir(f.path)); err != nil {
		return f.fail("fsync of the directory", err)
	}
	f.done("sync directory")
	return nil
}

// write makes the temporary file.
func (f *stateFile) write(data []byte) (err error) {
	if err := os.Remove(f.temporary()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f.fail("remove "+f.temporary(), err)
	}
	// Exclusive: whoever may write to the directory can't lead us elsewhere with a link.
	file, err := os.OpenFile(f.temporary(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f.fail("create "+f.temporary(), err)
	}
	defer func() {
		if e := file.Close(); e != nil && err == nil {
			err = f.fail("close "+f.temporary(), e)
		}
	}()
	f.done("create")
	for _, part := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
		if _, err := file.Write(part); err != nil {
			return f.fail("write "+f.temporary(), err)
		}
		f.done("write")
	}
	if err := file.Sync(); err != nil {
		return f.fail("fsync "+f.temporary(), err)
	}
	f.done("sync")
	return nil
}

func (f *stateFile) done(step string) {
	if f.step != nil {
		f.step(step)
	}
}

// setAside keeps a damaged file out of the way, for somebody to look at.
func (f *stateFile) setAside() (path string, err error) {
	path = f.path + ".bad"
	return path, os.Rename(f.path, path)
}

// loadMemo returns what a State has kept. A damaged one counts as none, and is set aside: reading the
// records back does the rest. Errors are those after which it would be wrong to go on and to overwrite it.
func loadMemo(s State, log *slog.Logger) (memo, error) {
	data, err := s.Load()
	if err != nil {
		return memo{}, err
	}
	if data == nil {
		return memo{}, nil
	}
	m, err := decodeMemo(data)
	if err == nil {
		return m, nil
	}
	file, isFile := s.(*stateFile)
	if e, ok := errors.AsType[*StateError](err); ok && isFile {
		e.Path = file.path
	}
	if errors.Is(err, errNewerState) {
		return memo{}, err
	}
	kept := "nowhere"
	if isFile {
		var failed error
		if kept, failed = file.setAside(); failed != nil {
			return memo{}, errors.Join(err, file.fail("set aside", failed))
		}
	}
	log.Warn("dnsreg: starting without the kept state", "error", err, "kept", kept)
	return memo{}, nil
}
