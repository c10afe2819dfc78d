// Package dead deals with dead letters once they are written: it reads them from HAL9_DEAD,
// puts them back into a layer, and makes letters of what JetStream gave up on.
//
// It promises that a letter is put back once, whatever is killed in between: the second
// attempt has an id of its own, which is made from the letter and from nothing else; what is
// under way is noted before it is stored; and where a run was interrupted the next one first
// looks which of it was stored. Letters stay in HAL9_DEAD; which of them were put back is
// remembered beside them.
package dead
