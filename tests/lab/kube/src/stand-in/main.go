// stand-in: answers every HTTP request on the given ports with what it stands in for. Takes the place of images that
// the lab can't have; it does nothing of what they do. STAND_IN_FOR and STAND_IN_PORTS come from the image.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	name := os.Getenv("STAND_IN_FOR")
	answer := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/metrics") || strings.HasPrefix(r.URL.Path, "/federate") {
			fmt.Fprintf(w, "lab_stand_in{for=%q} 1\n", name)
			return
		}
		fmt.Fprintf(w, "the lab's stand-in for %s\n", name)
	}
	done := make(chan error)
	for _, port := range strings.Split(os.Getenv("STAND_IN_PORTS"), ",") {
		port := port
		go func() { done <- http.ListenAndServe(":"+port, http.HandlerFunc(answer)) }()
	}
	log.Fatal(<-done)
}
