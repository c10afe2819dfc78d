package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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

// Place asks kubectl's configuration, and the API server who is asking.
func (c Client) Place(ctx context.Context) (Place, error) {
	place := Place{Namespace: c.Namespace}
	data, err := c.Run(ctx, "config", "view", "--minify", "--output", "json")
	if err != nil {
		return place, err
	}
	var view configView
	if err := json.Unmarshal(data, &view); err != nil {
		return place, fmt.Errorf("kube: kubectl's configuration: %w", err)
	}
	if len(view.Contexts) > 0 {
		first := view.Contexts[0]
		place.Context, place.Cluster, place.User = first.Name, first.Context.Cluster, first.Context.User
	}
	if len(view.Clusters) > 0 {
		place.Server = view.Clusters[0].Cluster.Server
	}
	data, err = c.Run(ctx, "auth", "whoami", "--output", "json")
	if TroubleOf(err) == TroubleUnreachable {
		return place, err
	}
	var who struct {
		Status struct {
			UserInfo struct {
				Username string `json:"username"`
			} `json:"userInfo"`
		} `json:"status"`
	}
	// Older clusters do not say, and not everybody may ask.
	if err == nil && json.Unmarshal(data, &who) == nil && who.Status.UserInfo.Username != "" {
		place.User = who.Status.UserInfo.Username
	}
	return place, nil
}

// Right is something that the user may do, or not.
type Right struct {
	Verb     string `json:"verb"`
	Resource string `json:"resource"`
	May      bool   `json:"may"`
}

// MayI asks for each right whether the user has it.
func (c Client) MayI(ctx context.Context, rights []Right) ([]Right, error) {
	var wait sync.WaitGroup
	errs := make([]error, len(rights))
	for i := range rights {
		wait.Go(func() {
			// It says "no" with exit code 1, and warns on stderr where a kind is unknown.
			out, err := c.Run(ctx, "auth", "can-i", rights[i].Verb, rights[i].Resource)
			answer := strings.TrimSpace(string(out))
			rights[i].May = strings.HasPrefix(answer, "yes")
			if err != nil && !strings.HasPrefix(answer, "no") {
				errs[i] = err
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return rights, err
		}
	}
	return rights, nil
}
