package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Place is which cluster kubectl speaks to, and as whom.
type Place struct {
	Context   string `json:"context"`
	Cluster   string `json:"cluster"`
	Server    string `json:"server"`
	User      string `json:"user"` // as the API server knows it, or as the configuration calls it
	Namespace string `json:"namespace"`
}

type configView struct {
	CurrentContext string `json:"current-context"`
	Contexts       []struct {
		Name    string `json:"name"`
		Context struct {
			Cluster string `json:"cluster"`
			User    string `json:"user"`
		} `json:"context"`
	} `json:"contexts"`
	Clusters []struct {
		Name    string `json:"name"`
		Cluster struct {
			Server string `json:"server"`
		} `json:"cluster"`
	} `json:"clusters"`
}

// Place asks kubectl's configuration, and the API server who is asking. Within a pod there is no configuration, and kubectl
// takes the pod's account: then only user and namespace are known.
func (c Client) Place(ctx context.Context) (Place, error) {
	place := Place{Namespace: c.Namespace}
	var wait sync.WaitGroup
	var view, who []byte
	var errs [2]error
	wait.Go(func() { view, errs[0] = c.Run(ctx, "config", "view", "--minify", "--output", "json") })
	wait.Go(func() { who, errs[1] = c.Run(ctx, "auth", "whoami", "--output", "json") })
	wait.Wait()
	switch {
	case TroubleOf(errs[0]) == TroubleNoContext && errs[1] != nil:
		return place, fmt.Errorf("%w (kubectl's configuration has no current context: name one with --context, or a file with --kubeconfig)", errs[1])
	case TroubleOf(errs[0]) == TroubleNoContext:
	case errs[0] != nil:
		return place, errs[0]
	case TroubleOf(errs[1]) == TroubleUnreachable:
		return place, errs[1]
	default:
		if err := place.read(view); err != nil {
			return place, err
		}
	}
	var review struct {
		Status struct {
			UserInfo struct {
				Username string `json:"username"`
			} `json:"userInfo"`
		} `json:"status"`
	}
	// Older clusters do not say, and not everybody may ask.
	if errs[1] == nil && json.Unmarshal(who, &review) == nil && review.Status.UserInfo.Username != "" {
		place.User = review.Status.UserInfo.Username
	}
	return place, nil
}

// read takes in what kubectl's configuration says of the current context.
func (p *Place) read(data []byte) error {
	var view configView
	if err := json.Unmarshal(data, &view); err != nil {
		return fmt.Errorf("kube: kubectl's configuration: %w", err)
	}
	if len(view.Contexts) > 0 {
		first := view.Contexts[0]
		p.Context, p.Cluster, p.User = first.Name, first.Context.Cluster, first.Context.User
	}
	if len(view.Clusters) > 0 {
		p.Server = view.Clusters[0].Cluster.Server
	}
	return nil
}

// Right is something that the user may do, or not.
type Right struct {
	Verb     string `json:"verb"`
	Group    string `json:"group"`
	Resource string `json:"resource"`
	May      bool   `json:"may"`
}

// review is a SelfSubjectAccessReview: the question and, with a status, the answer.
type review struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Spec       reviewSpec   `json:"spec"`
	Status     reviewStatus `json:"status"`
}

type reviewSpec struct {
	Attributes reviewAttributes `json:"resourceAttributes"`
}

type reviewAttributes struct {
	Namespace string `json:"namespace"`
	Verb      string `json:"verb"`
	Group     string `json:"group"`
	Resource  string `json:"resource"`
}

type reviewStatus struct {
	Allowed bool `json:"allowed"`
}

// MayI asks for each right whether the user has it: what `kubectl auth can-i` asks, in one request.
func (c Client) MayI(ctx context.Context, rights []Right) ([]Right, error) {
	questions := struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Items      []review `json:"items"`
	}{APIVersion: "v1", Kind: "List"}
	for _, r := range rights {
		questions.Items = append(questions.Items, review{
			APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview",
			Spec: reviewSpec{reviewAttributes{c.Namespace, r.Verb, r.Group, r.Resource}},
		})
	}
	input, err := json.Marshal(questions)
	if err != nil {
		return rights, fmt.Errorf("kube: %w", err)
	}
	out, err := c.ask(ctx, input, "create", "--filename", "-", "--output", "json")
	if err != nil {
		return rights, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; { // One answer after another.
		var answer review
		err := decoder.Decode(&answer)
		if errors.Is(err, io.EOF) {
			return rights, nil
		}
		if err != nil {
			return rights, fmt.Errorf("kube: what the API server answered about rights: %w", err)
		}
		for i := range rights {
			if r := &rights[i]; r.Verb == answer.Spec.Attributes.Verb && r.Resource == answer.Spec.Attributes.Resource && r.Group == answer.Spec.Attributes.Group {
				r.May = answer.Status.Allowed
			}
		}
	}
}
