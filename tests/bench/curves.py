CURVES = {}
