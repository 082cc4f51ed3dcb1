// Asks for one page with net/http. Run by `go run`; one argument: the URL.
package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	client := &http.Client{Timeout: 10 * time.Second}
	if _, err := client.Get(os.Args[1]); err != nil {
		os.Exit(1)
	}
}
