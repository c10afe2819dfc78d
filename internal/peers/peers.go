// Package peers measures HAL9's parts beside those of others, in one run. It is a module
// of its own so that nobody who uses HAL9 pulls its competitors in.
package peers
