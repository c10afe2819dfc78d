// Package outbound sends results to the world outside: every configured sink is a durable
// consumer whose messages go through a Watermill router to a webhook or a NATS subject.
package outbound
