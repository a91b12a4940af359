// coredns: a stand-in for CoreDNS 1.7.0, whose image can't be had. Answers A records of
// services and headless endpoints under cluster.local, everything else NXDOMAIN (no forwarding).
// Serves /health on :8080, /ready on :8181, metrics (empty) on :9153 as the kubeadm manifest expects.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/miekg/dns"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func main() {
	flag.String("conf", "", "ignored")
	addr := flag.String("addr", ":53", "listen")
	zone := flag.String("zone", "cluster.local.", "zone")
	flag.Parse()
	cfg, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		log.Fatal(err)
	}
	stop := make(chan struct{})
	f := informers.NewSharedInformerFactory(cs, 10*time.Minute)
	svc, ep := f.Core().V1().Services(), f.Core().V1().Endpoints()
	sl, el := svc.Lister(), ep.Lister()
	si, ei := svc.Informer(), ep.Informer()
	f.Start(stop)
	ok := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("OK")) }
	ready := func(w http.ResponseWriter, r *http.Request) {
		if si.HasSynced() && ei.HasSynced() {
			ok(w, r)
		} else {
			http.Error(w, "syncing", 503)
		}
	}
	for a, h := range map[string]http.HandlerFunc{":8080": ok, ":8181": ready, ":9153": ok} {
		a, h := a, h
		go func() { log.Fatal(http.ListenAndServe(a, h)) }()
	}
	h := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(r)
		m.Authoritative = true
		m.Rcode = dns.RcodeNameError
		for _, q := range r.Question {
			n := strings.ToLower(q.Name)
			if !strings.HasSuffix(n, ".svc."+*zone) {
				continue
			}
			p := strings.Split(strings.TrimSuffix(n, ".svc."+*zone), ".")
			if len(p) < 2 {
				continue
			}
			name, ns := p[len(p)-2], p[len(p)-1]
			s, err := sl.Services(ns).Get(name)
			if err != nil {
				continue
			}
			m.Rcode = dns.RcodeSuccess
			if q.Qtype != dns.TypeA && q.Qtype != dns.TypeANY {
				continue
			}
			ips := []string{s.Spec.ClusterIP}
			if s.Spec.ClusterIP == "None" {
				ips = nil
				if e, err := el.Endpoints(ns).Get(name); err == nil {
					for _, ss := range e.Subsets {
						for _, a := range ss.Addresses {
							if len(p) == 2 || a.Hostname == p[0] {
								ips = append(ips, a.IP)
							}
						}
					}
				}
			}
			for _, ip := range ips {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.ParseIP(ip)})
			}
		}
		w.WriteMsg(m)
	})
	_ = labels.Everything
	log.Printf("coredns stand-in on %s", *addr)
	go func() { log.Fatal((&dns.Server{Addr: *addr, Net: "tcp", Handler: h}).ListenAndServe()) }()
	log.Fatal((&dns.Server{Addr: *addr, Net: "udp", Handler: h}).ListenAndServe())
}
