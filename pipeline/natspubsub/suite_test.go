package natspubsub_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// suiteStream holds the topics of the whole suite: subject and stream have nothing in common
// with the topic, and one message goes to many topics of one stream.
const suiteStream = "SUITE"

// suite makes publishers and subscribers for Watermill's tests.
type suite struct {
	nc       *nats.Conn
	inFlight int
	subs     atomic.Int64
	fresh    bool // every subscriber has a durable of its own
}

func newSuite(t *testing.T, url string) *suite {
	t.Helper()
	nc := connect(t, url)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: suiteStream, Subjects: []string{"suite.>"}}); err != nil {
		t.Fatal(err)
	}
	return &suite{nc: nc, inFlight: 64}
}

func (s *suite) group(t *testing.T, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	subject := func(topic string) string { return "suite." + topic + ".events" }
	pcfg := natspubsub.DefaultPublisherConfig()
	pcfg.Subject = subject
	pcfg.MessageID = natspubsub.TopicUUID
	pub, err := natspubsub.NewPublisher(s.nc, pcfg)
	if err != nil {
		t.Fatal(err)
	}
	scfg := natspubsub.DefaultSubscriberConfig()
	scfg.Stream = func(string) string { return suiteStream }
	if s.fresh {
		group = fmt.Sprintf("%s%d", group, s.subs.Add(1))
	}
	scfg.Durable = func(topic string) string { return group + "_" + topic }
	scfg.Subject = subject
	scfg.Provision = natspubsub.ProvisionCreate
	scfg.MaxInFlight = s.inFlight
	if s.inFlight == 1 {
		scfg.Consumer.MaxAckPending = 1
		scfg.Prefetch = 2
	}
	scfg.Backoff = natspubsub.ExponentialBackoff(time.Millisecond, 20*time.Millisecond)
	scfg.Drain = 200 * time.Millisecond
	sub, err := natspubsub.NewSubscriber(s.nc, scfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
		if err := pub.Close(); err != nil {
			t.Error(err)
		}
	})
	return pub, sub
}

func (s *suite) pair(t *testing.T) (message.Publisher, message.Subscriber) {
	t.Helper()
	return s.group(t, "main")
}

// TestSuiteInFlight runs Watermill's suite as it is used most: many messages in flight, so
// order is not promised.
func TestSuiteInFlight(t *testing.T) {
	t.Parallel()
	s := newSuite(t, natstest.Start(t).ClientURL())
	tests.TestPubSub(t, tests.Features{ConsumerGroups: true, Persistent: true}, s.pair, s.group)
}

// TestSuiteOrdered runs the suite with one message in flight: then order is promised, whatever
// the number of subscribers and rejections.
func TestSuiteOrdered(t *testing.T) {
	t.Parallel()
	s := newSuite(t, natstest.Start(t).ClientURL())
	s.inFlight = 1
	tests.TestPubSub(t, tests.Features{ConsumerGroups: true, Persistent: true, GuaranteedOrder: true}, s.pair, s.group)
}

// TestSuiteOldMessages is the suite's test for subscribers with durables of their own.
func TestSuiteOldMessages(t *testing.T) {
	t.Parallel()
	s := newSuite(t, natstest.Start(t).ClientURL())
	s.fresh = true
	tests.TestNewSubscriberReceivesOldMessages(t, tests.TestContext{
		TestID:   tests.NewTestID(),
		Features: tests.Features{Persistent: true, NewSubscriberReceivesOldMessages: true},
	}, s.pair)
}

// TestSuiteStress runs the suite several times at once, each run on topics of its own.
func TestSuiteStress(t *testing.T) {
	t.Parallel()
	if os.Getenv("STRESS_TEST_COUNT") == "" {
		t.Skip("set STRESS_TEST_COUNT to the number of suites to run at once")
	}
	s := newSuite(t, natstest.Start(t).ClientURL())
	tests.TestPubSubStressTest(t, tests.Features{ConsumerGroups: true, Persistent: true}, s.pair, s.group)
}
