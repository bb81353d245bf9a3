autocmd BufNewFile,BufRead superd.conf,*/superd.d/*.conf setfiletype superd
