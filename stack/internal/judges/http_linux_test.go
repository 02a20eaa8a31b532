package judges_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// body returns bodySize bytes that no two seeds share, and digest what SHA-256 makes of a reader.
func body(seed byte) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), bodySize)
}

func digest(r io.Reader) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("%x, %d bytes", h.Sum(nil), n), err
}

// Seeds of the two directions.
const down, up = 1, 2

// handler answers GET with a body, and PUT with the digest of the one that it got.
func handler(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		io.Copy(w, body(down))
		return
	}
	d, err := digest(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	io.WriteString(w, d)
}

// serve runs an HTTP server on l until the test ends.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	server := &http.Server{Handler: http.HandlerFunc(handler)}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != http.ErrServerClosed && !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
}

// want returns the digest of a body.
func want(t *testing.T, seed byte) string {
	t.Helper()
	d, err := digest(body(seed))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// serveCurl serves on the stack and returns the URL. Who is skipped serves as well.
func (h *host) serveCurl(t *testing.T, target string) string {
	t.Helper()
	address := net.JoinHostPort(target, "80")
	l, err := h.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	return "http://" + address + "/"
}

// The kernel's TCP and curl against net/http on the stack's.
func TestCurlDownload(t *testing.T) {
	onTUN(t, "curl", func(t *testing.T, h *host) {
		url := h.serveCurl(t, stack6)
		cmd := exec.CommandContext(patience(t), "curl", "-sSfgN", "--noproxy", "*", url)
		if got := output(t, cmd); got != want(t, down) {
			t.Errorf("curl got %s", got)
		}
	})
}

func TestCurlUpload(t *testing.T) {
	onTAP(t, "curl", func(t *testing.T, h *host) {
		url := h.serveCurl(t, skipped4)
		cmd := exec.CommandContext(patience(t), "curl", "-sSfg", "--noproxy", "*", "-T", "-", url)
		cmd.Stdin = body(up)
		if got, err := cmd.Output(); err != nil || string(got) != want(t, up) {
			t.Errorf("what curl put arrived as %s: %v", got, err)
		}
	})
}

// output runs a command and returns the digest of what it prints.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := digest(out)
	if werr := cmd.Wait(); werr != nil || err != nil {
		t.Fatalf("%v: %v, %v: %s", cmd, err, werr, &stderr)
	}
	return d
}

// net/http on the stack against net/http on the kernel's TCP.
func TestClientDownload(t *testing.T) {
	onTAP(t, "", func(t *testing.T, h *host) {
		url := serveKernel(t, kernel6, stack6)
		if got, err := digest(h.fetch(t, http.MethodGet, url, nil)); err != nil || got != want(t, down) {
			t.Errorf("the stack got %s: %v", got, err)
		}
	})
}

func TestClientUpload(t *testing.T) {
	onTUN(t, "", func(t *testing.T, h *host) {
		url := serveKernel(t, kernel4, stack4)
		if got, err := io.ReadAll(h.fetch(t, http.MethodPut, url, body(up))); err != nil || string(got) != want(t, up) {
			t.Errorf("what the stack put arrived as %s: %v", got, err)
		}
	})
}

// serveKernel serves on the kernel to clients that come from an address, and returns the URL.
func serveKernel(t *testing.T, target, from string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(target, "80"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, witness{l, t, from})
	return "http://" + l.Addr().String() + "/"
}

// fetch returns the answer to a request of the stack's.
func (h *host) fetch(t *testing.T, method, url string, body io.Reader) io.Reader {
	t.Helper()
	transport := &http.Transport{DialContext: h.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(patience(t), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, url, resp.Status)
	}
	return resp.Body
}

// witness is a listener that sees from which address the stack comes.
type witness struct {
	net.Listener
	t   *testing.T
	own string
}

func (w witness) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err == nil {
		if from := c.RemoteAddr().(*net.TCPAddr).IP.String(); from != w.own {
			w.t.Errorf("the stack speaks from %s", from)
		}
	}
	return c, err
}
