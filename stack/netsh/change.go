package netsh

import "errors"

// A change is several steps of which all are done, or none.
type change struct{ undo []func() error }

// do does a step, which undo would take back. If it fails, the steps before it are taken back.
func (c *change) do(step, undo func() error) error {
	err := step()
	if err == nil {
		c.undo = append(c.undo, undo)
		return nil
	}
	errs := []error{err}
	for i := len(c.undo) - 1; i >= 0; i-- {
		errs = append(errs, c.undo[i]())
	}
	c.undo = nil
	return errors.Join(errs...)
}
