// A client for the tests: tcp or udp, HOST, PORT. Prints what the peer says.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	connection, err := net.Dial(os.Args[1], net.JoinHostPort(os.Args[2], os.Args[3]))
	if err == nil {
		_, err = connection.Write([]byte("who\n"))
	}
	text := make([]byte, 256)
	length := 0
	if err == nil {
		length, err = connection.Read(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(string(text[:length]))
}
