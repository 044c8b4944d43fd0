"""What goes on paper: typst templates, one source for the PDF that is printed and the picture that is shown in a
chat."""
