package lint

import (
	"errors"
	"strconv"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

func jetStreamRules() []rule {
	return []rule{{"account", lookAccount}, {"lag-threshold", lookThreshold}, {"consumer", lookConsumer}}
}

// eachJetStream calls look with each nats-jetstream trigger.
func (c *check) eachJetStream(look func(t *keda.ScaleTriggers, path string)) {
	c.each(func(t *keda.ScaleTriggers, path string) {
		if t.Type == "nats-jetstream" {
			look(t, path)
		}
	})
}

func lookAccount(c *check) {
	c.eachJetStream(func(t *keda.ScaleTriggers, path string) {
		if t.Metadata["account"] == "" && t.Metadata["accountID"] == "" && t.AuthenticationRef == nil {
			c.report(SeverityError, path+".metadata", advice{
				"KEDA cannot make the scaler without an account: the ScaledObject stays not ready.", "Write account: $G, where NATS has no accounts of its own.",
			}, "nats-jetstream trigger without account")
		}
	})
}

// threshold returns a trigger's lagThreshold with its default.
func threshold(t *keda.ScaleTriggers) (int64, error) {
	if text := t.Metadata["lagThreshold"]; text != "" {
		return strconv.ParseInt(text, 10, 64)
	}
	return 10, nil
}

func lookThreshold(c *check) {
	c.eachJetStream(func(t *keda.ScaleTriggers, path string) {
		n, err := threshold(t)
		switch {
		case err != nil || n <= 0:
			c.report(SeverityError, path+".metadata.lagThreshold", advice{
				"KEDA takes whole numbers; the HPA divides by it.", "Write how many messages one replica works off in the time that you allow: rate × seconds.",
			}, "lagThreshold %q is no whole number above 0", t.Metadata["lagThreshold"])
		case t.Metadata["lagThreshold"] == "" && !c.so.IsUsingModifiers():
			c.report(SeverityWarning, path+".metadata", advice{
				"KEDA's default is 10 messages per replica, which a burst of a thousand takes to the maximum.",
				"Write how many messages one replica works off in the time that you allow: rate × seconds.",
			}, "no lagThreshold")
		}
	})
}

func lookConsumer(c *check) {
	c.eachJetStream(func(t *keda.ScaleTriggers, path string) {
		stream, name := t.Metadata["stream"], t.Metadata["consumer"]
		if stream == "" || name == "" || c.facts == nil {
			return
		}
		known, err := c.facts.Consumer(c.ctx, stream, name)
		const missing = "KEDA 2.20 and later answer with an error: nothing scales, and a workload at 0 stays there. Up to 2.19 it took the stream's last sequence" +
			" for the lag, which asks for the maximum."
		switch {
		case errors.Is(err, ErrNoStream):
			c.report(SeverityError, path+".metadata.stream", advice{missing, "Correct the name, or the number of --partitions; `hal9 provision` makes HAL9's streams."},
				"stream %s does not exist", stream)
		case errors.Is(err, ErrNoConsumer):
			c.report(SeverityError, path+".metadata.consumer", advice{missing, "Correct the name; `hal9 provision` makes HAL9's consumers before the first pod starts."},
				"consumer %s does not exist on stream %s", name, stream)
		case errors.Is(err, ErrUnknown):
		case err != nil:
			c.report(SeverityError, path, advice{"It could not be looked up.", "Is NATS there, and may you ask it?"}, "consumer %s of stream %s: %v", name, stream, err)
		default:
			c.consumer(t, path, known)
		}
	})
}

// consumer judges a trigger by the consumer that it names.
func (c *check) consumer(t *keda.ScaleTriggers, path string, known Consumer) {
	if !known.Durable {
		c.report(SeverityWarning, path+".metadata.consumer", advice{
			"NATS removes it once nobody has asked it for a while, as when the layer has no replica: the trigger then fails, and what came meanwhile has nobody waiting for it.",
			"Make it durable, before the first pod starts.",
		}, "consumer %s is ephemeral", t.Metadata["consumer"])
	}
	n, err := threshold(t)
	if err == nil && known.MaxAckPending > 0 && n > int64(known.MaxAckPending) && !c.so.IsUsingModifiers() {
		c.report(SeverityWarning, path+".metadata.lagThreshold", advice{
			"NATS hands out no more than MaxAckPending messages at once, to all replicas together: one replica has them all before the lag asks for a second one, and" +
				" the second then gets what the first leaves.",
			"Lower lagThreshold, or raise the consumer's MaxAckPending to that of all replicas together.",
		}, "lagThreshold %d is above the consumer's MaxAckPending %d", n, known.MaxAckPending)
	}
}
