// crictl: a small stand-in for cri-tools' crictl, which Debian 12 does not package, made with the CRI API that
// Kubernetes 1.20 vendors. It knows what kubeadm and the roles call: info, version, pods, ps, images, pull, inspecti,
// stopp, rmp; an option or a command that it does not know is an error.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	flag "github.com/spf13/pflag"
	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1alpha2"
	"sigs.k8s.io/yaml"
)

type settings struct {
	Runtime string `json:"runtime-endpoint"`
	Image   string `json:"image-endpoint"`
	Timeout int    `json:"timeout"`
}

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "crictl (lab): "+format+"\n", args...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func printJSON(v interface{}) {
	text, err := json.MarshalIndent(v, "", "  ")
	check(err)
	fmt.Println(string(text))
}

// readSettings reads the file that crictl reads; without it containerd's own socket is meant.
func readSettings() settings {
	s := settings{Runtime: "unix:///run/containerd/containerd.sock", Timeout: 10}
	path := os.Getenv("CRI_CONFIG_FILE")
	if path == "" {
		path = "/etc/crictl.yaml"
	}
	if text, err := os.ReadFile(path); err == nil {
		check(yaml.Unmarshal(text, &s))
	}
	return s
}

func connect(ctx context.Context, endpoint string) *grpc.ClientConn {
	dialing, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := grpc.DialContext(dialing, strings.TrimPrefix(endpoint, "unix://"), grpc.WithInsecure(), grpc.WithBlock(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)),
		grpc.WithContextDialer(func(c context.Context, path string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(c, "unix", path)
		}))
	if err != nil {
		fail("connect to %s: %v", endpoint, err)
	}
	return conn
}

func main() {
	s := readSettings()
	global := flag.NewFlagSet("crictl", flag.ExitOnError)
	global.SetInterspersed(false)
	endpoint := global.StringP("runtime-endpoint", "r", s.Runtime, "")
	global.StringP("image-endpoint", "i", s.Image, "")
	timeout := global.DurationP("timeout", "t", time.Duration(s.Timeout)*time.Second, "")
	version := global.BoolP("version", "v", false, "")
	check(global.Parse(os.Args[1:]))
	if *version {
		fmt.Println("crictl version v1.20.2 (lab)")
		return
	}
	if global.NArg() == 0 {
		fail("no command")
	}
	command := global.Arg(0)
	own := flag.NewFlagSet(command, flag.ExitOnError)
	quiet := own.BoolP("quiet", "q", false, "")
	all := own.BoolP("all", "a", false, "")
	own.BoolP("force", "f", false, "")
	name := own.String("name", "", "")
	state := own.StringP("state", "s", "", "")
	own.StringP("output", "o", "", "")
	check(own.Parse(global.Args()[1:]))
	if *timeout < time.Minute && (command == "pull" || command == "rmp" || command == "stopp") {
		*timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	conn := connect(ctx, *endpoint)
	run(ctx, cri.NewRuntimeServiceClient(conn), cri.NewImageServiceClient(conn), command, own.Args(), options{*quiet, *all, *name, *state})
}

type options struct {
	quiet, all  bool
	name, state string
}

func run(ctx context.Context, runtime cri.RuntimeServiceClient, image cri.ImageServiceClient, command string, args []string, o options) {
	switch command {
	case "info":
		r, err := runtime.Status(ctx, &cri.StatusRequest{Verbose: true})
		check(err)
		printJSON(r.Status)
	case "version":
		r, err := runtime.Version(ctx, &cri.VersionRequest{})
		check(err)
		fmt.Printf("Version:  %s\nRuntimeName:  %s\nRuntimeVersion:  %s\nRuntimeApiVersion:  %s\n", r.Version, r.RuntimeName,
			r.RuntimeVersion, r.RuntimeApiVersion)
	case "pods":
		pods(ctx, runtime, o)
	case "ps":
		containers(ctx, runtime, o)
	case "images":
		r, err := image.ListImages(ctx, &cri.ListImagesRequest{})
		check(err)
		for _, i := range r.Images {
			fmt.Printf("%-55s %s %d\n", strings.Join(i.RepoTags, ","), i.Id, i.Size_)
		}
	case "pull", "inspecti", "stopp", "rmp":
		if len(args) == 0 {
			fail("%s: of what?", command)
		}
		for _, id := range args {
			one(ctx, runtime, image, command, id)
		}
	default:
		fail("no such command here: %s", command)
	}
}

func one(ctx context.Context, runtime cri.RuntimeServiceClient, image cri.ImageServiceClient, command, id string) {
	switch command {
	case "pull":
		r, err := image.PullImage(ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: id}})
		check(err)
		fmt.Println("Image is up to date for", r.ImageRef)
	case "inspecti":
		r, err := image.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: id}})
		check(err)
		if r.Image == nil {
			fail("no such image %q present", id)
		}
		printJSON(r)
	case "stopp":
		_, err := runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: id})
		check(err)
		fmt.Println("Stopped sandbox", id)
	case "rmp":
		_, err := runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: id})
		check(err)
		_, err = runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: id})
		check(err)
		fmt.Println("Removed sandbox", id)
	}
}

func pods(ctx context.Context, runtime cri.RuntimeServiceClient, o options) {
	r, err := runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	check(err)
	for _, p := range r.Items {
		if o.quiet {
			fmt.Println(p.Id)
		} else {
			fmt.Printf("%.13s  %-10s %s/%s\n", p.Id, strings.TrimPrefix(p.State.String(), "SANDBOX_"), p.Metadata.Namespace, p.Metadata.Name)
		}
	}
}

func containers(ctx context.Context, runtime cri.RuntimeServiceClient, o options) {
	name, err := regexp.Compile(o.name)
	check(err)
	r, err := runtime.ListContainers(ctx, &cri.ListContainersRequest{})
	check(err)
	for _, c := range r.Containers {
		state := strings.TrimPrefix(c.State.String(), "CONTAINER_")
		wanted := name.MatchString(c.Metadata.Name)
		switch {
		case o.state != "":
			wanted = wanted && strings.EqualFold(state, o.state)
		case !o.all:
			wanted = wanted && c.State == cri.ContainerState_CONTAINER_RUNNING
		}
		if !wanted {
			continue
		}
		if o.quiet {
			fmt.Println(c.Id)
		} else {
			fmt.Printf("%.13s  %-10s %-28s attempt %d, pod %.13s\n", c.Id, state, c.Metadata.Name, c.Metadata.Attempt, c.PodSandboxId)
		}
	}
}
