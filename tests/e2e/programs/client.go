// SPDX-License-Identifier: Apache-2.0

// Reads lines "PORT NAME FILE": asks https://NAME:PORT/, where FILE is the one trusted certificate.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func here(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

func ask(port, name, file string) string {
	certificate, err := os.ReadFile(file)
	if err != nil {
		return "failed " + err.Error()
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return "failed no certificate in " + file
	}
	client := http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			DialContext:       here,
			DisableKeepAlives: true,
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots},
		},
	}
	response, err := client.Get("https://" + name + ":" + port + "/")
	if err != nil && strings.Contains(err.Error(), "x509: ") {
		return "refused " + err.Error()
	}
	if err != nil {
		return "failed " + err.Error()
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return "failed " + err.Error()
	}
	return "answered " + response.Status
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		fmt.Println(ask(words[0], words[1], words[2]))
	}
}
