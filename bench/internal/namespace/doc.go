// Package namespace makes Linux network namespaces that live as long as what is in them.
package namespace
