package load

// Operation is one thing that users do.
type Operation string

// The operations.
const (
	OperationHTTP    Operation = "http"    // publish one signal over HTTP, until it is accepted
	OperationNATS    Operation = "nats"    // publish one signal over NATS, until it is stored
	OperationVerdict Operation = "verdict" // publish one signal over NATS, until its verdict is here
	OperationStatus  Operation = "status"  // read GET /v1/status
	OperationTail    Operation = "tail"    // follow the verdicts, until the first is shown; more follow for a while
)

// Operations lists them.
func Operations() []Operation {
	return []Operation{OperationHTTP, OperationNATS, OperationVerdict, OperationStatus, OperationTail}
}

// publishes reports whether the operation needs a signal.
func (o Operation) publishes() bool {
	return o == OperationHTTP || o == OperationNATS || o == OperationVerdict
}

// task is an operation of one user.
type task struct {
	operation Operation
	user      int
	signal    signal // where the operation publishes
}
