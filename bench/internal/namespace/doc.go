// Package namespace makes Linux network namespaces that live as long as a socket in them.
package namespace
