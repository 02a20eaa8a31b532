package stack_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
)

// A stream in both directions at once, as gRPC has them: HTTP/2 without TLS, over two hosts in memory.
func ExampleStack_Listen_bidirectionalStream() {
	client, server, stop := twoHosts()
	defer stop()
	l, err := server.Listen(context.Background(), "tcp", ":50051")
	if err != nil {
		log.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	service := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.Flush() // the answer begins before the question ends
		for lines := bufio.NewScanner(r.Body); lines.Scan(); control.Flush() {
			fmt.Fprintf(w, "%s, over %s\n", lines.Text(), r.Proto)
		}
	})}
	go service.Serve(l)
	defer service.Close()

	transport := &http.Transport{DialContext: client.DialContext, Protocols: &protocols}
	defer transport.CloseIdleConnections()
	body, questions := io.Pipe()
	resp, err := (&http.Client{Transport: transport}).Post("http://[2001:db8::2]:50051/chat", "text/plain", body)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	answers := bufio.NewScanner(resp.Body)
	for _, q := range []string{"one", "two"} {
		fmt.Fprintln(questions, q)
		answers.Scan()
		fmt.Println(answers.Text())
	}
	questions.Close()
	fmt.Println(answers.Scan())
	// Output:
	// one, over HTTP/2.0
	// two, over HTTP/2.0
	// false
}
