package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Tasks that have ended do not add up, and what there is to say of one is not forgotten.
func TestTasksAreForgotten(t *testing.T) {
	defer SetLeakPatience(0)()
	l, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	defer close(end)
	l.Go("leaks", func(context.Context) error {
		go func() { <-end }()
		return nil
	})
	l.Go("fails", func(context.Context) error { return errors.New("broken") })
	stays := l.Go("stays", func(ctx context.Context) error { l.Sleep(1 << 40); return nil })
	for range 1000 {
		if err := l.Go("short", func(context.Context) error { return nil }).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.tasks); n > 100 {
		t.Errorf("%d tasks are kept", n)
	}
	if l.tasks[1] != stays {
		t.Errorf("the second that is kept is %v", l.tasks[1])
	}
	err = l.Close()
	for _, want := range []string{`task "fails": broken`, `started by task "leaks"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
