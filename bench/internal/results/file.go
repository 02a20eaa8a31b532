package results

import (
	"errors"
	"os"
)

// Part ends the name of a file that is being written.
const Part = ".part"

// A File takes the place of another at once, when it is whole: until then what was there
// stays as it is.
type File struct {
	*os.File
	name string
}

// Create begins a file, beside the one whose place it is to take.
func Create(name string) (*File, error) {
	f, err := os.Create(name + Part)
	if err != nil {
		return nil, err
	}
	return &File{f, name}, nil
}

// Replace ends the file, and gives it its place.
func (f *File) Replace() error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.name)
}

// Discard ends the file, and takes it away.
func (f *File) Discard() error { return errors.Join(f.Close(), os.Remove(f.Name())) }

// WriteFile writes a whole file in the place of another.
func WriteFile(name string, text []byte) error {
	f, err := Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Replace()
}
