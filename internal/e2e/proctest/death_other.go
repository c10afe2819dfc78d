//go:build !linux

package proctest

import "syscall"

// attributes has nothing to ask of other kernels.
func attributes() *syscall.SysProcAttr { return nil }
