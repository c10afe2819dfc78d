package chaos_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

// binary is the program under test.
var binary proctest.Builder

// roleVariable makes this test program something else than tests: see serveNATS.
const roleVariable = "HAL9_CHAOS_NATS"

func TestMain(m *testing.M) {
	if description := os.Getenv(roleVariable); description != "" {
		if err := serveNATS(description); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	binary.Remove()
	os.Exit(code)
}
