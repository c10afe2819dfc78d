package proctest

import "syscall"

// attributes let the kernel kill a process whose test program died without its clean-up, as when
// `go test` runs out of time.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
