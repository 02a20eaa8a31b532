// Package picture draws a run's rows as SVG. gonum.org/v1/plot draws, onto a canvas of this
// package's, since a picture has to be read in many places: by itself, as an image in
// a README, within a page, on light and on dark ground, on a phone, and aloud.
//
// The same rows give the same bytes.
package picture
