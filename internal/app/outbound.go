package app

import (
	"context"
	"net/http"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// newOutbound makes the sinks in the process that runs L4, the layer of actions.
func (a *App) newOutbound(context.Context) error {
	if !a.runs(layers.NameL4) || len(a.cfg.File.Sinks) == 0 {
		return nil
	}
	sinks := map[string]outbound.Sink{}
	for _, sink := range a.cfg.File.Sinks {
		sinks[sink.Name] = sink
	}
	in := natspubsub.DefaultSubscriberConfig()
	in.Stream = func(name string) string { return sinks[name].Stream() }
	in.Durable = func(name string) string { return sinks[name].Durable() }
	in.Logger = a.log
	subscriber, err := natspubsub.NewSubscriber(a.bus.Conn(), in)
	if err != nil {
		return err
	}
	out := natspubsub.DefaultPublisherConfig()
	dead, err := natspubsub.NewPublisher(a.bus.Conn(), out)
	if err != nil {
		return err
	}
	out.Unstored = natspubsub.UnstoredSend
	publisher, err := natspubsub.NewPublisher(a.bus.Conn(), out)
	if err != nil {
		return err
	}
	a.outbound, err = outbound.New( //nolint:contextcheck // Each message brings its context.
		outbound.Config{Sinks: a.cfg.File.Sinks}, outbound.Deps{
			Subscriber: subscriber, Publisher: publisher, Dead: dead, Client: http.DefaultClient,
			Verdicts: expr.Verdict, Situations: expr.Situation, Log: a.log,
		})
	return err
}
